// The host's signal frame (struct rt_sigframe of x86-64) in a thread's area: reading what the host saved, and writing
// what the thread resumes from.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "boot/arch/registers.h"
#include "boot/platform/platform.h"
#include "boot/platform/seccomp/fp_state.h"
#include "boot/platform/seccomp/messages.h"

namespace runsc::seccomp {

// struct sigcontext_64, without what follows fpstate.
struct HostSigcontext {
  std::uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
  std::uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
  std::uint16_t cs, gs, fs, ss;
  std::uint64_t error_code, trap_number, old_mask, fault_address, fpstate;
  std::array<std::uint64_t, 8> reserved;
};
static_assert(sizeof(HostSigcontext) == 256);

// struct rt_sigframe.
struct HostSignalFrame {
  std::uint64_t return_address;
  std::uint64_t uc_flags, uc_link;
  std::uint64_t stack_pointer;
  std::int32_t stack_flags, stack_pad;
  std::uint64_t stack_size;
  HostSigcontext context;
  std::uint64_t signal_mask;
  // siginfo (its own names are macros of the C library)
  std::int32_t info_signal, info_errno, info_code, info_pad;
  std::uint64_t info_address;  // SIGSYS: the address of the call
  std::int32_t info_syscall;
  std::uint32_t info_arch;
  std::array<std::uint64_t, 12> info_rest;
};
static_assert(sizeof(HostSignalFrame) == 8 + 304 + 128);
static_assert(offsetof(HostSignalFrame, context) + offsetof(HostSigcontext, rax) == FRAME_RAX);

// A private copy of what a stopped thread's area says about it. Any of it may be a lie of the application, but it does
// not change any more.
struct StoppedThread {
  Registers registers;
  HostSignalFrame frame{};
  std::uint32_t signal = 0;
};

// One thread's area; `address` is where the application sees it.
class ThreadArea {
 public:
  ThreadArea(std::byte* base, std::uint64_t address) : base_(base), address_(address) {}

  Mailbox& mailbox() const { return *reinterpret_cast<Mailbox*>(base_); }

  // nullopt: the mailbox does not describe a frame inside the area; only a hostile application can do that.
  std::optional<StoppedThread> load() const;
  // The FP state to which the frame points, as much of it as lies in the area; empty: the initial state.
  std::vector<std::byte> load_fp(const StoppedThread& thread, const FpLayout& layout) const;

  // Writes the frame from which the thread resumes. FP state stays as the stopped thread's frame has it, unless `fp` is
  // given (empty: the initial state; else checked_fp_state()).
  void store(const Registers& registers, std::uint64_t fpstate_pointer) const;
  // What the stub does about rseq(2): registers `area` before the thread resumes (kJoin), or has nothing to do because
  // the thread itself registered it (kJoined) or there is none. The stub ends a registration when the thread exits.
  enum class RseqState { kJoin, kJoined };
  void store_rseq(const RseqArea& area, RseqState state) const;
  // Places FP state in the area and returns its address for store(). `fp` fits (checked_fp_state()).
  std::uint64_t place_fp(std::span<const std::byte> fp) const;

 private:
  bool contains(std::uint64_t address, std::size_t size) const;
  std::byte* base_;
  std::uint64_t address_;
};

}  // namespace runsc::seccomp
