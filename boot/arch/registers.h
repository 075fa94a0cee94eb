// The user-visible registers of an x86-64 thread.
#pragma once

#include <cstdint>

namespace runsc {

// In the order of the host's struct sigcontext (arch/x86/include/uapi/asm/sigcontext.h) as far as it goes.
struct Registers {
  std::uint64_t r8 = 0, r9 = 0, r10 = 0, r11 = 0, r12 = 0, r13 = 0, r14 = 0, r15 = 0;
  std::uint64_t rdi = 0, rsi = 0, rbp = 0, rbx = 0, rdx = 0, rax = 0, rcx = 0, rsp = 0, rip = 0;
  std::uint64_t rflags = 0;
  std::uint64_t fs_base = 0, gs_base = 0;
};

inline constexpr std::uint64_t kTrapFlag = 0x100, kDirectionFlag = 0x400, kResumeFlag = 0x10000;
// Flags that an application may set through a signal frame (AC, RF, OF, DF, TF, SF, ZF, AF, PF, CF); the rest keep the
// host's values.
inline constexpr std::uint64_t kUserRflags = 0x50dd5;

// What a processor exception leaves in struct sigcontext, until the next one.
struct TrapRecord {
  std::uint64_t number = 0;
  std::uint64_t error_code = 0;
  std::uint64_t address = 0;  // cr2: of the last page fault
};

}  // namespace runsc
