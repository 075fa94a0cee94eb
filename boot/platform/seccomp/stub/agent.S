// The agent: the process that owns an address space and works on the kernel's orders; and the first instructions of what
// it clones. It runs without a seccomp filter beside hostile threads that share its memory, hence the rule of this file:
// registers and read-only pages only. No stack, no load from writable memory, all signals blocked.
#include "boot/platform/seccomp/stub/macros.h"

        .section runsc_stub, "ax", @progbits

// Registers that live through the loop:
//   r15  the command page
//   r14d descriptor of this address space's slot; its file offset carries results, which the application cannot forge
//   r13d sequence number of the last command served
//
// In: r14d; rdi,rsi / rdx,r10 / r8,r9: three ranges (address, length) to unmap, what is left of the boot process.
STUB_FUNCTION stub_zygote_entry
        mov     %r8, %rbx
        mov     %r9, %rbp
        mov     %rdx, %r12
        mov     %r10, %r13
        ISSUE __NR_munmap
        DIE_ON_ERROR
        mov     %r12, %rdi
        mov     %r13, %rsi
        ISSUE __NR_munmap
        DIE_ON_ERROR
        mov     %rbx, %rdi
        mov     %rbp, %rsi
        ISSUE __NR_munmap
        DIE_ON_ERROR
agent_start:
        movabs  $STUB_COMMAND, %r15
        xor     %r13d, %r13d

agent_next:
        mov     COMMAND_SEQUENCE(%r15), %eax
        cmp     %eax, %r13d
        jne     agent_serve
        mov     %r15, %rdi
        mov     $0, %esi                        // FUTEX_WAIT
        mov     %r13d, %edx
        xor     %r10d, %r10d
        ISSUE __NR_futex
        jmp     agent_next

agent_serve:
        mov     %eax, %r13d
        mov     COMMAND_KIND(%r15), %r12d
        mov     COMMAND_AUX(%r15), %rbx
        mov     COMMAND_AUX + 8(%r15), %rbp
        mov     COMMAND_AUX + 16(%r15), %rsp    // just a register here
        cmp     $COMMAND_BATCH, %r12d
        je      agent_batch
        mov     COMMAND_ARGS(%r15), %rdi
        mov     COMMAND_ARGS + 8(%r15), %rsi
        mov     COMMAND_ARGS + 16(%r15), %rdx
        mov     COMMAND_ARGS + 24(%r15), %r10
        mov     COMMAND_ARGS + 32(%r15), %r8
        mov     COMMAND_ARGS + 40(%r15), %r9
        mov     COMMAND_NUMBER(%r15), %rax
        syscall
        test    %r12d, %r12d
        jz      agent_answer
        test    %rax, %rax
        jnz     agent_answer
        cmp     $COMMAND_THREAD, %r12d
        je      stub_thread_start
        cmp     $COMMAND_START_WORKER, %r12d
        je      stub_worker_start
        cmp     $COMMAND_EXCHANGE, %r12d
        je      exchange_child

// The child of a fork: the parent's slot is still mapped. Nothing may be answered there.
        mov     %ebx, %r14d
        movabs  $STUB_SLOT, %rdi
        mov     $STUB_SLOT_SIZE, %esi
        mov     $3, %edx                        // PROT_READ | PROT_WRITE
        mov     $0x4011, %r10d                  // MAP_SHARED | MAP_FIXED | MAP_NORESERVE
        mov     %r14d, %r8d
        xor     %r9d, %r9d
        ISSUE __NR_mmap
        DIE_ON_ERROR
        movabs  $STUB_COMMAND, %rdi
        mov     $0x1000, %esi
        mov     $1, %edx                        // PROT_READ
        ISSUE __NR_mprotect
        DIE_ON_ERROR
        mov     $1, %edi                        // PR_SET_PDEATHSIG: fork has cleared it
        mov     $9, %esi
        ISSUE __NR_prctl
        jmp     agent_start

// rbx: how many calls are left.
agent_batch:
        lea     COMMAND_BATCH_CALLS(%r15), %rbp
agent_batch_next:
        mov     BATCH_ARGS(%rbp), %rdi
        mov     BATCH_ARGS + 8(%rbp), %rsi
        mov     BATCH_ARGS + 16(%rbp), %rdx
        mov     BATCH_ARGS + 24(%rbp), %r10
        mov     BATCH_ARGS + 32(%rbp), %r8
        mov     BATCH_ARGS + 40(%rbp), %r9
        mov     BATCH_NUMBER(%rbp), %rax
        syscall
        cmp     $-4096, %rax
        ja      agent_answer
        add     $BATCH_SIZE, %rbp
        dec     %rbx
        jnz     agent_batch_next
        xor     %eax, %eax

// Reports rax. The file offset of the slot's memfd is (sequence << 32 | low half of the result).
agent_answer:
        ANSWER
        movabs  $STUB_SCRATCH, %rdi
        mov     %r13d, SCRATCH_DONE(%rdi)       // only wakes; the kernel looks at the file offset
        mov     $1, %esi                        // FUTEX_WAKE
        mov     $0x7fffffff, %edx
        ISSUE __NR_futex
        jmp     agent_next

// A process of its own, so that a fault here ends only this.
exchange_child:
        mov     %ebp, %eax
        shr     $32, %rbp
        lock cmpxchg %ebp, (%rbx)
        mov     %esp, %r14d
        ANSWER
        xor     %edi, %edi
        ISSUE __NR_exit
        ud2
