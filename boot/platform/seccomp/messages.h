// What the boot process and the stub write to each other in shared memory.
//
// Only the boot process writes Command. Scratch and Mailbox are writable by the application: every load from them is
// made once, into a local, and checked.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "boot/platform/seccomp/stub/layout.h"

namespace runsc::seccomp {

enum class CommandKind : std::uint32_t {
  kCall = COMMAND_CALL,
  kFork = COMMAND_FORK,
  kThread = COMMAND_THREAD,
  kExchange = COMMAND_EXCHANGE,
  kStartWorker = COMMAND_START_WORKER,
  kBatch = COMMAND_BATCH,
};

struct Command {
  std::uint32_t sequence;  // written last; the agent serves when it changes
  CommandKind kind;
  std::uint64_t number;
  std::array<std::uint64_t, 6> args;
  std::array<std::uint64_t, 3> aux;
};
static_assert(offsetof(Command, sequence) == COMMAND_SEQUENCE && offsetof(Command, kind) == COMMAND_KIND);
static_assert(offsetof(Command, number) == COMMAND_NUMBER && offsetof(Command, args) == COMMAND_ARGS);
static_assert(offsetof(Command, aux) == COMMAND_AUX);

// What the worker does next; elsewhere in the command page.
struct WorkerCommand {
  std::uint64_t number;
  std::array<std::uint64_t, 6> args;
};
static_assert(offsetof(WorkerCommand, number) == WORKER_NUMBER && offsetof(WorkerCommand, args) == WORKER_ARGS);
static_assert(sizeof(Command) <= COMMAND_WORKER);

// One call of a batch; an array of them lies elsewhere in the command page.
struct BatchedCall {
  std::uint64_t number;
  std::array<std::uint64_t, 6> args;
};
static_assert(offsetof(BatchedCall, number) == BATCH_NUMBER && offsetof(BatchedCall, args) == BATCH_ARGS);
static_assert(COMMAND_WORKER + sizeof(WorkerCommand) <= COMMAND_NAME);
static_assert(sizeof(BatchedCall) == BATCH_SIZE && COMMAND_NAME + COMMAND_NAME_SIZE <= COMMAND_BATCH_CALLS);
static_assert(COMMAND_BATCH_CALLS + BATCH_MOST * BATCH_SIZE <= 0x1000);

struct Scratch {
  std::uint32_t done;          // the sequence number of the last answer, to wait on; the answer itself is a file offset
  std::uint32_t worker_ready;  // the worker's filter is on, to wait on
};
static_assert(offsetof(Scratch, done) == SCRATCH_DONE && offsetof(Scratch, worker_ready) == SCRATCH_WORKER_READY);

struct Mailbox {
  std::uint64_t frame;  // address of a struct rt_sigframe in the same area
  std::uint64_t fs_base;
  std::uint64_t gs_base;
  std::uint32_t signal;
  std::uint32_t ready;  // the thread's filter is on, to wait on
  // The registration of rseq(2) that the stub makes and ends; the kernel only writes it.
  std::uint64_t rseq;
  std::uint32_t rseq_length;
  std::uint32_t rseq_signature;
  std::uint32_t rseq_state;  // RSEQ_*
  std::uint32_t padding;
  // Room for the tiers that answer calls in the stub.
  std::array<std::uint64_t, 45> reserved;
};
static_assert(offsetof(Mailbox, frame) == MAILBOX_FRAME && offsetof(Mailbox, fs_base) == MAILBOX_FS_BASE);
static_assert(offsetof(Mailbox, gs_base) == MAILBOX_GS_BASE && offsetof(Mailbox, signal) == MAILBOX_SIGNAL);
static_assert(offsetof(Mailbox, rseq) == MAILBOX_RSEQ && offsetof(Mailbox, rseq_length) == MAILBOX_RSEQ_LENGTH);
static_assert(offsetof(Mailbox, rseq_signature) == MAILBOX_RSEQ_SIGNATURE);
static_assert(offsetof(Mailbox, rseq_state) == MAILBOX_RSEQ_STATE);
static_assert(offsetof(Mailbox, ready) == MAILBOX_READY && sizeof(Mailbox) <= AREA_FRAME_OFFSET);

// Copies out of memory that the application may be changing; the compiler cannot read the source a second time.
inline void copy_once(void* to, const void* from, std::size_t size) {
  std::memcpy(to, from, size);
  asm volatile("" ::: "memory");
}

// A 32-bit word of shared memory that both sides wait on.
inline std::atomic_ref<std::uint32_t> shared_word(std::uint32_t& word) { return std::atomic_ref(word); }

}  // namespace runsc::seccomp
