#include "boot/kernel/signal_frame.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "boot/kernel/user_memory.h"

namespace runsc {
namespace {

constexpr std::uint64_t kRedZone = 128;  // below the stack pointer: belongs to the interrupted function
constexpr std::uint64_t kFpAlignment = 64;
constexpr std::uint64_t kFrameAlignment = 16;
constexpr std::uint16_t kUserCodeSegment = 0x33, kUserStackSegment = 0x2b;

// uc_flags (arch/x86/include/uapi/asm/ucontext.h).
constexpr std::uint64_t kHasExtendedState = 1, kHasStackSegment = 2, kRestoresStackSegment = 4;

constexpr std::uint32_t kAutoDisarm = 1U << 31;  // SS_AUTODISARM
constexpr std::uint64_t kSmallestSignalStack = 2048;

// The FXSAVE image (struct _fpstate) and what signal frames add to it (struct _fpx_sw_bytes, struct _xstate).
constexpr std::size_t kFxsaveSize = 512, kSoftwareReserved = 464, kXsaveHeaderSize = 64;
constexpr std::uint32_t kMagic1 = 0x46505853, kMagic2 = 0x46505845;
constexpr std::uint64_t kX87AndSse = 3;

struct SoftwareReserved {
  std::uint32_t magic1 = 0;
  std::uint32_t extended_size = 0;
  std::uint64_t features = 0;
  std::uint32_t xstate_size = 0;
  std::uint32_t padding[7] = {};
};
static_assert(kSoftwareReserved + sizeof(SoftwareReserved) == kFxsaveSize);

constexpr std::uint64_t round_down(std::uint64_t value, std::uint64_t alignment) { return value & ~(alignment - 1); }

bool within_stack(const SignalStack& stack, std::uint64_t sp) {
  return sp > stack.base && sp - stack.base <= stack.size;
}

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

bool on_signal_stack(const SignalStack& stack, std::uint64_t sp) {
  return (static_cast<std::uint32_t>(stack.flags) & kAutoDisarm) == 0 && within_stack(stack, sp);
}

int signal_stack_status(const SignalStack& stack, std::uint64_t sp) {
  if (stack.size == 0) return SS_DISABLE;
  return on_signal_stack(stack, sp) ? SS_ONSTACK : 0;
}

Result<void> change_signal_stack(SignalStack& present, const SignalStack& wanted, std::uint64_t sp) {
  if (on_signal_stack(present, sp)) return Errno(EPERM);
  const int mode = static_cast<int>(static_cast<std::uint32_t>(wanted.flags) & ~kAutoDisarm);
  if (mode != SS_DISABLE && mode != SS_ONSTACK && mode != 0) return Errno(EINVAL);
  SignalStack next = wanted;
  next.pad = 0;
  if (mode == SS_DISABLE) {
    next.base = next.size = 0;
  } else if (next.size < kSmallestSignalStack) {
    return Errno(ENOMEM);
  }
  present = next;
  return {};
}

std::optional<FramePlace> place_signal_frame(std::uint64_t sp, const SignalStack& stack, std::uint64_t action_flags,
                                             std::size_t fp_size) {
  bool on_alternate = on_signal_stack(stack, sp);
  std::uint64_t top = sp - kRedZone;
  if ((action_flags & SA_ONSTACK) != 0 && signal_stack_status(stack, top) == 0) {
    top = stack.base + stack.size;
    on_alternate = true;
  }
  FramePlace place;
  if (fp_size != 0) place.fp_state = top = round_down(top - fp_size, kFpAlignment);
  // As after the call of a function: its return address lies below an aligned boundary.
  place.frame = round_down(top - sizeof(SignalFrame), kFrameAlignment) - 8;
  if (on_alternate && !within_stack(stack, place.frame)) return std::nullopt;
  return place;
}

SignalFrame make_signal_frame(const FrameContents& contents, const FramePlace& place, const SignalAction& action,
                              const SignalInfo& info) {
  SignalFrame frame;
  frame.return_address = action.restorer;
  frame.context.flags = kHasStackSegment | kRestoresStackSegment | (place.fp_state != 0 ? kHasExtendedState : 0);
  frame.context.stack = contents.stack;
  frame.context.mask = contents.mask;
  MachineContext& machine = frame.context.machine;
  std::memcpy(machine.general, &contents.registers, sizeof machine.general);
  machine.cs = kUserCodeSegment;
  machine.ss = kUserStackSegment;
  machine.error_code = contents.trap.error_code;
  machine.trap_number = contents.trap.number;
  machine.fault_address = contents.trap.address;
  machine.old_mask = contents.mask.bits();
  machine.fp_state = place.fp_state;
  frame.info = info;
  return frame;
}

Result<void> write_signal_frame(AddressSpace& space, const FramePlace& place, const SignalFrame& frame,
                                std::uint64_t action_flags, std::span<const std::byte> fp_state) {
  const std::size_t frame_size = (action_flags & SA_SIGINFO) != 0 ? sizeof frame : offsetof(SignalFrame, info);
  const std::span<const std::byte> frame_bytes = std::as_bytes(std::span(&frame, 1)).first(frame_size);
  std::vector<std::byte> bytes(frame_bytes.begin(), frame_bytes.end());
  bytes.insert(bytes.end(), fp_state.begin(), fp_state.end());
  const std::array<AddressSpace::Range, 2> ranges{{{place.frame, frame_size}, {place.fp_state, fp_state.size()}}};
  const std::size_t written = TRY(space.writev(ranges, bytes));
  if (written != bytes.size()) return Errno(EFAULT);
  return {};
}

void enter_handler(Registers& registers, const FramePlace& place, const SignalAction& action, int signal) {
  registers.rdi = static_cast<std::uint64_t>(signal);
  registers.rax = 0;  // for handlers declared without a prototype: no vector registers hold arguments
  registers.rsi = place.frame + offsetof(SignalFrame, info);
  registers.rdx = place.frame + offsetof(SignalFrame, context);
  registers.rip = action.handler;
  registers.rsp = place.frame;
  registers.rflags &= ~(kDirectionFlag | kResumeFlag | kTrapFlag);
}

Result<UserContext> read_signal_frame(AddressSpace& space, std::uint64_t sp) {
  // The return address is gone from the stack: the restorer was returned to.
  const std::uint64_t frame = sp - sizeof(SignalFrame::return_address);
  return read_object<UserContext>(space, {{frame + offsetof(SignalFrame, context)}});
}

void restore_registers(Registers& registers, const MachineContext& machine) {
  const std::uint64_t flags = registers.rflags;
  std::memcpy(static_cast<void*>(&registers), machine.general, sizeof machine.general);
  registers.rflags = (flags & ~kUserRflags) | (registers.rflags & kUserRflags);
}

namespace {

// What the frame says of its extended state, if that can be true on this machine.
std::optional<SoftwareReserved> extended_state(AddressSpace& space, std::uint64_t address,
                                               std::span<const std::byte> image, std::size_t present_size) {
  const auto described = load<SoftwareReserved>(image, kSoftwareReserved);
  if (described.magic1 != kMagic1 || described.xstate_size < kFxsaveSize + kXsaveHeaderSize ||
      described.xstate_size > present_size || described.xstate_size > described.extended_size)
    return std::nullopt;
  const Result<std::uint32_t> magic2 = read_object<std::uint32_t>(space, {{address + described.xstate_size}});
  if (!magic2.ok() || *magic2 != kMagic2) return std::nullopt;
  return described;
}

}  // namespace

Result<std::vector<std::byte>> read_fp_state(AddressSpace& space, std::uint64_t address,
                                             std::span<const std::byte> present) {
  if (address == 0 || present.size() < kFxsaveSize + kXsaveHeaderSize) return std::vector<std::byte>();
  const auto own = load<SoftwareReserved>(present, kSoftwareReserved);
  if (own.xstate_size > present.size()) return Errno(EFAULT);
  std::vector<std::byte> state(present.size());
  const std::span<std::byte> image(state);
  TRY(read_exactly(space, address, image.first(kFxsaveSize)));
  std::uint64_t features = kX87AndSse;
  if (const auto described = extended_state(space, address, image, own.xstate_size)) {
    TRY(read_exactly(space, address + kFxsaveSize, image.subspan(kFxsaveSize, described->xstate_size - kFxsaveSize)));
    features = load<std::uint64_t>(image, kFxsaveSize) & described->features & own.features;
  }
  // The kernel's own description of the area, whatever the frame said; its header names the features to restore.
  std::memcpy(state.data() + kFxsaveSize, &features, sizeof features);
  std::memcpy(state.data() + kSoftwareReserved, present.data() + kSoftwareReserved, sizeof(SoftwareReserved));
  std::copy(present.begin() + own.xstate_size, present.end(), state.begin() + own.xstate_size);
  return state;
}

}  // namespace runsc
