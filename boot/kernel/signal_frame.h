// What the application's stack holds while a signal handler runs: struct rt_sigframe of x86-64
// (arch/x86/kernel/signal_64.c), to the byte. Pure functions of registers and memory; which signal is delivered, and
// what the mask becomes, is decided in signal_delivery.cc.
//
// Frames that come back through rt_sigreturn(2) are hostile input: they are copied once, flags are masked, segments
// ignored, and the FP state is checked by Context::set_fp_state().
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "boot/abi/signal.h"
#include "boot/arch/registers.h"
#include "boot/platform/platform.h"

namespace runsc {

// struct sigcontext.
struct MachineContext {
  std::uint64_t general[18] = {};  // as the first members of Registers, r8 to rflags
  std::uint16_t cs = 0, gs = 0, fs = 0, ss = 0;
  std::uint64_t error_code = 0, trap_number = 0, old_mask = 0, fault_address = 0;
  std::uint64_t fp_state = 0;  // address; 0: none
  std::uint64_t reserved[8] = {};
};
static_assert(sizeof(MachineContext) == 256);

// struct ucontext.
struct UserContext {
  std::uint64_t flags = 0;
  std::uint64_t link = 0;
  SignalStack stack;
  MachineContext machine;
  SignalSet mask;
};
static_assert(sizeof(UserContext) == 304);

// struct rt_sigframe.
struct SignalFrame {
  std::uint64_t return_address = 0;  // pretcode: SA_RESTORER
  UserContext context;
  SignalInfo info;
};
static_assert(sizeof(SignalFrame) == 440);

// sigaltstack(2). Whether `sp` lies on the stack; always false with SS_AUTODISARM.
bool on_signal_stack(const SignalStack& stack, std::uint64_t sp);
// SS_DISABLE, SS_ONSTACK or 0.
int signal_stack_status(const SignalStack& stack, std::uint64_t sp);
// EPERM while `sp` is on the present one; EINVAL: flags; ENOMEM: too small.
Result<void> change_signal_stack(SignalStack& present, const SignalStack& wanted, std::uint64_t sp);

struct FramePlace {
  std::uint64_t frame = 0;
  std::uint64_t fp_state = 0;  // 0 when fp_size was 0
};
// Where the frame lies for a handler with `action_flags`, with `fp_size` bytes of FP state. nullopt: it would overflow
// the alternate stack.
std::optional<FramePlace> place_signal_frame(std::uint64_t sp, const SignalStack& stack, std::uint64_t action_flags,
                                             std::size_t fp_size);

// What goes into a frame besides the place.
struct FrameContents {
  const Registers& registers;
  const SignalStack& stack;
  const TrapRecord& trap;
  SignalSet mask;  // to be restored when the handler returns
};
SignalFrame make_signal_frame(const FrameContents& contents, const FramePlace& place, const SignalAction& action,
                              const SignalInfo& info);

// EFAULT. The siginfo is written for handlers with SA_SIGINFO only.
Result<void> write_signal_frame(AddressSpace& space, const FramePlace& place, const SignalFrame& frame,
                                std::uint64_t action_flags, std::span<const std::byte> fp_state);

// The registers with which the handler starts.
void enter_handler(Registers& registers, const FramePlace& place, const SignalAction& action, int signal);

// rt_sigreturn(2), `sp` as the restorer left it. EFAULT.
Result<UserContext> read_signal_frame(AddressSpace& space, std::uint64_t sp);
// Takes over the general registers and those flags that applications may set.
void restore_registers(Registers& registers, const MachineContext& machine);
// The FP state at `address` in the format of Context::set_fp_state(); empty (the initial state) for address 0.
// `present`: the state of the same thread, which tells the size and features that this machine has. A frame without
// valid extended state restores x87 and SSE only, as Linux does. EFAULT.
Result<std::vector<std::byte>> read_fp_state(AddressSpace& space, std::uint64_t address,
                                             std::span<const std::byte> present);

}  // namespace runsc
