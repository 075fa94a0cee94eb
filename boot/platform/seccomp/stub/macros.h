// For the stub's .S files. Assembler, which clang-format would take for C++:
// clang-format off
#pragma once

#include <asm/unistd.h>

#include "boot/platform/seccomp/stub/layout.h"

.macro STUB_FUNCTION name
        .globl  \name
        .hidden \name
\name:
.endm

// A system call whose arguments are in place. Clobbers rax, rcx, r11.
.macro ISSUE number
        mov     $\number, %eax
        syscall
.endm

// All signals are blocked: the host ends the process.
.macro DIE_ON_ERROR
        cmp     $-4096, %rax
        jbe     .Lno_error\@
        ud2
.Lno_error\@:
.endm

// Sends the low half of rax as the answer to command r13d: lseek(r14d, r13 << 32 | eax, SEEK_SET). A file offset is not
// memory: no thread of the application can change it on its way.
.macro ANSWER
        mov     %eax, %esi
        mov     %r13d, %edx
        shl     $32, %rdx
        or      %rdx, %rsi
        mov     %r14d, %edi
        xor     %edx, %edx                      // SEEK_SET
        ISSUE __NR_lseek
.endm
