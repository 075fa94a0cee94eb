// Small programs for tests, position-independent, copied into an application's address space. Each label is one entry.
// Registers at entry are the test's choice; rdi is usually the address of writable data.
#include <asm/unistd.h>

        .section guest_code, "ax", @progbits

.macro GUEST name
        .globl  \name
        .balign 16
\name:
.endm

// Asks for call rax with whatever is in the registers, for ever.
GUEST guest_syscall_loop
        syscall
        jmp     guest_syscall_loop

// One call, its result at (rbx), then a trap.
GUEST guest_syscall_once
        syscall
        mov     %rax, (%rbx)
        int3

// rcx calls of number r12, then a trap.
GUEST guest_syscall_count
        mov     %rcx, %rbx
1:      mov     %r12, %rax
        syscall
        dec     %rbx
        jnz     1b
        int3

GUEST guest_spin
        pause
        jmp     guest_spin

// Counts at (rdi), for ever.
GUEST guest_count
        incq    (%rdi)
        jmp     guest_count

GUEST guest_store
        mov     %rax, (%rdi)
        int3

GUEST guest_int80
        mov     $20, %eax
        int     $0x80
        hlt

GUEST guest_illegal
        ud2

GUEST guest_privileged
        hlt

GUEST guest_divide
        xor     %edx, %edx
        xor     %ecx, %ecx
        div     %ecx

// FUTEX_WAIT at rdi while it is esi, then a trap with the result in rax.
GUEST guest_futex_wait
        mov     %esi, %edx
        xor     %esi, %esi
        xor     %r10d, %r10d
        mov     $__NR_futex, %eax
        syscall
        int3

// FUTEX_WAKE at rdi until somebody was woken, then a trap.
GUEST guest_futex_wake
1:      mov     $1, %esi
        mov     $1, %edx
        mov     $__NR_futex, %eax
        syscall
        test    %eax, %eax
        jz      1b
        int3

// Loads xmm0, ymm1 and the rounding mode from (rdi); calls r12; stores them at 64(rdi); trap.
GUEST guest_fp
        movdqu  (%rdi), %xmm0
        vmovdqu 16(%rdi), %ymm1
        ldmxcsr 48(%rdi)
        mov     %r12, %rax
        syscall
        movdqu  %xmm0, 64(%rdi)
        vmovdqu %ymm1, 80(%rdi)
        stmxcsr 112(%rdi)
        int3

// The same, but spins until (rsi) is not 0 instead of a call.
GUEST guest_fp_spin
        movdqu  (%rdi), %xmm0
        vmovdqu 16(%rdi), %ymm1
        ldmxcsr 48(%rdi)
        incq    8(%rsi)
1:      cmpq    $0, (%rsi)
        je      1b
// Only the stores, and a trap.
GUEST guest_fp_store
        movdqu  %xmm0, 64(%rdi)
        vmovdqu %ymm1, 80(%rdi)
        stmxcsr 112(%rdi)
        int3

// Reads the clock through the vdso: rdi = a function of it, rsi = struct timespec. Trap.
GUEST guest_call
        mov     %rdi, %rax
        mov     $1, %edi
        call    *%rax
        int3

// Fills rcx bytes at rdi with al, rdx times, then a trap.
GUEST guest_fill
        mov     %rdi, %r8
        mov     %rcx, %r9
1:      mov     %r8, %rdi
        mov     %r9, %rcx
        rep stosb
        dec     %rdx
        jnz     1b
        int3

// Jumps to rax with all other registers as they are.
GUEST guest_jump
        jmp     *%rax

// mmap(0, r13, rw, private|anonymous), touch, munmap, rbx times. Then a trap.
GUEST guest_mmap_loop
1:      xor     %edi, %edi
        mov     %r13, %rsi
        mov     $3, %edx
        mov     $0x22, %r10d
        mov     $-1, %r8
        xor     %r9d, %r9d
        mov     $__NR_mmap, %eax
        syscall
        movb    $1, (%rax)
        mov     %rax, %rdi
        mov     %r13, %rsi
        mov     $__NR_munmap, %eax
        syscall
        dec     %rbx
        jnz     1b
        int3

// fork, the child exits, the parent waits; rbx times. Then a trap.
GUEST guest_fork_loop
1:      mov     $__NR_fork, %eax
        syscall
        test    %rax, %rax
        jnz     2f
        incq    (%rdi)
        mov     $__NR_exit_group, %eax
        syscall
2:      mov     $__NR_wait4, %eax
        syscall
        dec     %rbx
        jnz     1b
        int3
// Writes rax to rcx words at rdi, for ever.
GUEST guest_spoil
        mov     %rdi, %r8
        mov     %rcx, %r9
1:      mov     %r8, %rdi
        mov     %r9, %rcx
        rep stosq
        jmp     1b

// Traps for ever.
GUEST guest_trap_loop
        int3
        jmp     guest_trap_loop

// futex(rdi, FUTEX_REQUEUE, wake 0, requeue all, to rsi) until something was moved; then a trap.
GUEST guest_requeue
        mov     %rsi, %r8
1:      mov     $3, %esi
        xor     %edx, %edx
        mov     $0x7fffffff, %r10d
        mov     $__NR_futex, %eax
        syscall
        test    %eax, %eax
        jz      1b
        int3
