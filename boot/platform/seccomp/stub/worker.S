// The worker: a process that shares an address space's memory and the boot process's descriptors, as the agent does, but
// takes its orders through a seccomp listener of its own. Such a hand-off stays on one CPU and costs a fifth of the
// agent's, and the result travels in registers. It cannot fork: a child would inherit the filter, and could then not have
// a listener of its own. The rule of agent.S holds throughout.
#include "boot/platform/seccomp/stub/macros.h"

        .section runsc_stub, "ax", @progbits

// In: ebp = the descriptor that the kernel has reserved for the listener.
STUB_FUNCTION stub_worker_start
        mov     $1, %edi                        // PR_SET_PDEATHSIG
        mov     $9, %esi
        ISSUE   __NR_prctl
        xor     %edi, %edi                      // the agent is pinned to a CPU, the worker follows wake-ups
        mov     $STUB_CPU_MASK_SIZE, %esi
        movabs  $STUB_CPU_MASK, %rdx
        ISSUE   __NR_sched_setaffinity
        mov     $1, %edi                        // SECCOMP_SET_MODE_FILTER
        mov     $0x28, %esi                     // NEW_LISTENER | WAIT_KILLABLE_RECV
        movabs  $STUB_WORKER_PROGRAM, %rdx
        ISSUE   __NR_seccomp
        DIE_ON_ERROR
        mov     %eax, %r12d
        mov     %eax, %edi
        mov     %ebp, %esi
        mov     $0x80000, %edx                  // O_CLOEXEC
        ISSUE   __NR_dup3
        DIE_ON_ERROR
        mov     %r12d, %edi
        ISSUE   __NR_close
        movabs  $STUB_SCRATCH + SCRATCH_WORKER_READY, %rdi
        movl    $1, (%rdi)                      // only wakes
        mov     $1, %esi                        // FUTEX_WAKE
        mov     $0x7fffffff, %edx
        ISSUE   __NR_futex
        movabs  $STUB_COMMAND + COMMAND_WORKER, %r15
        xor     %eax, %eax

// Reports rax; when that is answered the next command lies in the command page.
worker_next:
        mov     %rax, %rdi
        ISSUE   DOORBELL_NUMBER
STUB_FUNCTION stub_worker_doorbell
        test    %rax, %rax
        jnz     worker_end
        mov     WORKER_ARGS(%r15), %rdi
        mov     WORKER_ARGS + 8(%r15), %rsi
        mov     WORKER_ARGS + 16(%r15), %rdx
        mov     WORKER_ARGS + 24(%r15), %r10
        mov     WORKER_ARGS + 32(%r15), %r8
        mov     WORKER_ARGS + 40(%r15), %r9
        mov     WORKER_NUMBER(%r15), %rax
        syscall
        jmp     worker_next

worker_end:
        ud2
