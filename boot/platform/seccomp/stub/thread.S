// The start of an application thread, from the agent's clone to the filter and beyond; and its signal handler.
#include "boot/platform/seccomp/stub/macros.h"

        .section runsc_stub, "ax", @progbits

// In: rbx = the thread's area, ebp = the descriptor that the kernel has reserved for the listener, rsp (no stack here)
// = the address of the filter program in the text. Until the filter is
// installed the rule of agent.S holds.
STUB_FUNCTION stub_thread_start
        mov     $1, %edi                        // PR_SET_PDEATHSIG
        mov     $9, %esi
        ISSUE __NR_prctl
        xor     %edi, %edi                      // the agent is pinned to a CPU, its threads are not
        mov     $STUB_CPU_MASK_SIZE, %esi
        movabs  $STUB_CPU_MASK, %rdx
        ISSUE __NR_sched_setaffinity
        mov     $1, %edi                        // SECCOMP_SET_MODE_FILTER
        mov     $0x28, %esi                     // NEW_LISTENER | WAIT_KILLABLE_RECV
        mov     %rsp, %rdx
        ISSUE __NR_seccomp
        DIE_ON_ERROR

// The filter is on. It allows the next three calls at exactly these addresses, and they are harmless to jump to: a
// thread of the application has no descriptors. dup3 puts the listener where the kernel expects it, so that its number
// never passes through memory.
        mov     %eax, %r12d
        mov     %eax, %edi
        mov     %ebp, %esi
        mov     $0x80000, %edx                  // O_CLOEXEC
        ISSUE __NR_dup3
STUB_FUNCTION stub_start_dup3
        DIE_ON_ERROR
        mov     %r12d, %edi
        ISSUE __NR_close
STUB_FUNCTION stub_start_close
        xor     %edi, %edi
        mov     $-1, %esi
        mov     $2, %edx                        // CLOSE_RANGE_UNSHARE
        ISSUE __NR_close_range
STUB_FUNCTION stub_start_close_range
        DIE_ON_ERROR
        movl    $1, MAILBOX_READY(%rbx)
        lea     MAILBOX_READY(%rbx), %rdi
        mov     $1, %esi                        // FUTEX_WAKE
        mov     $0x7fffffff, %edx
        ISSUE __NR_futex
STUB_FUNCTION stub_start_wake
        ISSUE DOORBELL_NUMBER
STUB_FUNCTION stub_start_doorbell
        jmp     thread_resume

// In: edi = signal, rsp = struct rt_sigframe on the alternate stack. Every register is saved there. All signals are
// blocked. The application can jump here with any registers; then it reports lies about itself.
STUB_FUNCTION stub_signal_handler
        mov     %rsp, %rbx
        and     $-STUB_AREA_SIZE, %rbx
        mov     %edi, MAILBOX_SIGNAL(%rbx)
        mov     %rsp, MAILBOX_FRAME(%rbx)
        rdfsbase %rax
        mov     %rax, MAILBOX_FS_BASE(%rbx)
        rdgsbase %rax
        mov     %rax, MAILBOX_GS_BASE(%rbx)
        cmpl    $RSEQ_NONE, MAILBOX_RSEQ_STATE(%rbx)
        jne     leave_rseq
ring:
        ISSUE DOORBELL_NUMBER
STUB_FUNCTION stub_doorbell
// The answer is 0; anything else means that nobody listens any more.
thread_resume:
        test    %rax, %rax
        jnz     1f
        cmpl    $RSEQ_WANTED, MAILBOX_RSEQ_STATE(%rbx)
        je      enter_rseq
resume_frame:
        mov     MAILBOX_FS_BASE(%rbx), %rax
        wrfsbase %rax
        mov     MAILBOX_GS_BASE(%rbx), %rax
        wrgsbase %rax
        mov     MAILBOX_FRAME(%rbx), %rsp
// The host's default restorer; also what a handler would return to.
STUB_FUNCTION stub_restorer
        add     $8, %rsp                        // rt_sigreturn expects the return address popped
        ISSUE __NR_rt_sigreturn
STUB_FUNCTION stub_sigreturn
1:      ud2

// The application's rseq area. The call acts on this thread alone, and what the host writes and reads for it is the
// application's memory: to jump here with other registers gains nothing.
enter_rseq:
        movl    $RSEQ_REGISTERED, MAILBOX_RSEQ_STATE(%rbx)
        xor     %edx, %edx
        jmp     rseq_call
// The host would write to the area as long as the thread lives, and after exit(2) the memory is somebody else's.
leave_rseq:
        cmp     $31, %edi                       // SIGSYS
        jne     ring
        cmpl    $__NR_exit, FRAME_RAX(%rsp)
        jne     ring
        movl    $RSEQ_NONE, MAILBOX_RSEQ_STATE(%rbx)
        mov     $1, %edx                        // RSEQ_FLAG_UNREGISTER
rseq_call:
        mov     MAILBOX_RSEQ(%rbx), %rdi
        mov     MAILBOX_RSEQ_LENGTH(%rbx), %esi
        mov     MAILBOX_RSEQ_SIGNATURE(%rbx), %r10d
        ISSUE __NR_rseq
STUB_FUNCTION stub_rseq
        test    %edx, %edx
        jz      resume_frame
        jmp     ring

// A thread whose calls all stop it executes one natively from here, with its own registers.
STUB_FUNCTION stub_native_call
        syscall
STUB_FUNCTION stub_native_done
        int3
