// Where everything lies in the reserved region of an application's address space, and the layouts that the stub's
// assembler shares with C++. Macros only: this file is included by .S files; messages.h asserts that the C++ structures
// agree.
//
//   STUB_BASE    text       read+exec, sealed memfd: the stub's code, then the filter program
//   STUB_COMMAND command    read-only here; only the boot process's own mapping can write it
//   STUB_SCRATCH scratch    writable by the application: wake-up words and output buffers, never trusted
//   STUB_AREAS   areas      writable by the application: one per thread, a mailbox page and an alternate signal stack
#pragma once

#define STUB_BASE 0x7e0000000000
#define STUB_TEXT_SIZE 0x10000
// Offsets in the text of a struct sock_fprog, whose sock_filter array follows it at + 16: for application threads, for
// those that execute nothing natively, and for the worker; and of a CPU mask.
#define STUB_PROGRAM_OFFSET 0x8000
#define STUB_GUARDED_PROGRAM_OFFSET 0xb000
#define STUB_WORKER_PROGRAM_OFFSET 0xe000
#define STUB_CPU_MASK_OFFSET 0xf000
#define STUB_CPU_MASK_SIZE 128
#define STUB_PROGRAM (STUB_BASE + STUB_PROGRAM_OFFSET)
#define STUB_GUARDED_PROGRAM (STUB_BASE + STUB_GUARDED_PROGRAM_OFFSET)
#define STUB_WORKER_PROGRAM (STUB_BASE + STUB_WORKER_PROGRAM_OFFSET)
#define STUB_CPU_MASK (STUB_BASE + STUB_CPU_MASK_OFFSET)

// One slot of communication memory: command page, scratch pages, areas.
#define STUB_SLOT (STUB_BASE + STUB_TEXT_SIZE)
#define STUB_COMMAND STUB_SLOT
#define STUB_SCRATCH (STUB_SLOT + 0x1000)
#define STUB_SCRATCH_OFFSET 0x1000
#define STUB_SCRATCH_SIZE 0x2000
#define STUB_AREAS_OFFSET 0x8000
#define STUB_AREAS (STUB_SLOT + STUB_AREAS_OFFSET)
// A power of two: the signal handler finds its mailbox by masking the stack pointer.
#define STUB_AREA_SIZE 0x8000
#define STUB_AREA_COUNT 8189
#define STUB_SLOT_SIZE (STUB_AREAS_OFFSET + STUB_AREA_COUNT * STUB_AREA_SIZE)
#define STUB_END (STUB_SLOT + STUB_SLOT_SIZE)

// Command page: struct Command.
#define COMMAND_SEQUENCE 0
#define COMMAND_KIND 4
#define COMMAND_NUMBER 8
#define COMMAND_ARGS 16
#define COMMAND_AUX 64
// In the same page: struct WorkerCommand.
#define COMMAND_WORKER 256
#define WORKER_NUMBER 0
#define WORKER_ARGS 8
// And the name of the program: characters and a zero.
#define COMMAND_NAME 320
#define COMMAND_NAME_SIZE 16
// And an array of struct BatchedCall.
#define COMMAND_BATCH_CALLS 512
#define BATCH_NUMBER 0
#define BATCH_ARGS 8
#define BATCH_SIZE 56
#define BATCH_MOST 64

// Command::kind.
#define COMMAND_CALL 0  // a plain system call
#define COMMAND_FORK 1  // a clone whose child becomes the agent of slot descriptor aux[0]
#define COMMAND_THREAD \
  2  // a clone whose child becomes an application thread: area aux[0], descriptor aux[1],
     // filter program at address aux[2]
#define COMMAND_EXCHANGE \
  3  // a clone whose child exchanges: address aux[0], desired << 32 | expected aux[1]; it
     // answers through descriptor aux[2]
#define COMMAND_BATCH \
  5  // the first aux[0] (at least 1) batched calls, up to the first error, which is the answer; else 0
#define COMMAND_START_WORKER 4  // a clone whose child becomes the worker: descriptor aux[1]

// Scratch: struct Scratch.
#define SCRATCH_DONE 0
#define SCRATCH_WORKER_READY 4

// Area: struct Mailbox at its start.
#define MAILBOX_FRAME 0
#define MAILBOX_FS_BASE 8
#define MAILBOX_GS_BASE 16
#define MAILBOX_SIGNAL 24
#define MAILBOX_READY 28
#define MAILBOX_RSEQ 32
#define MAILBOX_RSEQ_LENGTH 40
#define MAILBOX_RSEQ_SIGNATURE 44
#define MAILBOX_RSEQ_STATE 48
// Mailbox::rseq_state.
#define RSEQ_NONE 0
#define RSEQ_WANTED 1      // register before the application's next instruction
#define RSEQ_REGISTERED 2  // unregister when the thread exits
// Where the saved rax lies in the host's signal frame.
#define FRAME_RAX 152
// Where the kernel writes the frame that a thread resumes from, and its FP state; clear of what the host writes when it
// delivers a signal, which is at the end of the area.
#define AREA_FRAME_OFFSET 0x200
#define AREA_FP_OFFSET 0x400
// The alternate signal stack reaches from here to the end of the area.
#define AREA_STACK_OFFSET 0x4000

// A system call number that no kernel has, for the stub's doorbell.
#define DOORBELL_NUMBER 0x0fff0001
