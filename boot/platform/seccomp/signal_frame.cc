#include "boot/platform/seccomp/signal_frame.h"

namespace runsc::seccomp {
namespace {

// arch/x86/include/uapi/asm/ucontext.h: FP_XSTATE | SIGCONTEXT_SS | STRICT_RESTORE_SS.
constexpr std::uint64_t kContextFlags = 0x7;
constexpr std::uint16_t kUserCs = 0x33;
constexpr std::uint16_t kUserSs = 0x2b;

// In both structures the registers come first, in the same order, up to rflags.
constexpr std::size_t kSharedRegisters = offsetof(Registers, fs_base);
static_assert(kSharedRegisters == offsetof(HostSigcontext, cs));

// wrfsbase faults on an address that is not canonical, which the stub could not survive. Linux refuses it earlier.
std::uint64_t canonical(std::uint64_t base) {
  const auto extended = static_cast<std::uint64_t>(static_cast<std::int64_t>(base << 16) >> 16);
  return extended == base ? base : 0;
}

}  // namespace

bool ThreadArea::contains(std::uint64_t address, std::size_t size) const {
  const std::uint64_t offset = address - address_;
  return offset < STUB_AREA_SIZE && size <= STUB_AREA_SIZE - offset;
}

std::optional<StoppedThread> ThreadArea::load() const {
  Mailbox mailbox;
  copy_once(&mailbox, base_, offsetof(Mailbox, reserved));
  if (mailbox.frame % 8 != 0 || !contains(mailbox.frame, sizeof(HostSignalFrame))) return std::nullopt;
  std::optional<StoppedThread> thread(std::in_place);
  copy_once(&thread->frame, base_ + (mailbox.frame - address_), sizeof(thread->frame));
  std::memcpy(static_cast<void*>(&thread->registers), &thread->frame.context, kSharedRegisters);
  thread->registers.fs_base = mailbox.fs_base;
  thread->registers.gs_base = mailbox.gs_base;
  thread->signal = mailbox.signal;
  return thread;
}

std::vector<std::byte> ThreadArea::load_fp(const StoppedThread& thread, const FpLayout& layout) const {
  const std::uint64_t address = thread.frame.context.fpstate;
  constexpr std::size_t kLegacySize = 512;
  if (address == 0 || !contains(address, layout.frame_size())) return {};
  std::vector<std::byte> state(layout.frame_size());
  copy_once(state.data(), base_ + (address - address_), state.size());
  state.resize(fp_state_size(layout, std::span(state).first(kLegacySize)));
  return state;
}

std::uint64_t ThreadArea::place_fp(std::span<const std::byte> fp) const {
  if (fp.empty()) return 0;
  std::memcpy(base_ + AREA_FP_OFFSET, fp.data(), fp.size());
  return address_ + AREA_FP_OFFSET;
}

void ThreadArea::store_rseq(const RseqArea& area, RseqState state) const {
  Mailbox& box = mailbox();
  box.rseq = area.address;
  box.rseq_length = area.length;
  box.rseq_signature = area.signature;
  box.rseq_state = area.address == 0 ? RSEQ_NONE : state == RseqState::kJoin ? RSEQ_WANTED : RSEQ_REGISTERED;
}

void ThreadArea::store(const Registers& registers, std::uint64_t fpstate_pointer) const {
  HostSignalFrame frame{};
  frame.uc_flags = kContextFlags;
  frame.stack_pointer = address_ + AREA_STACK_OFFSET;
  frame.stack_size = STUB_AREA_SIZE - AREA_STACK_OFFSET;
  std::memcpy(&frame.context, &registers, kSharedRegisters);
  frame.context.cs = kUserCs;
  frame.context.ss = kUserSs;
  frame.context.fpstate = fpstate_pointer;
  // The siginfo is not needed to resume.
  std::memcpy(base_ + AREA_FRAME_OFFSET, &frame, offsetof(HostSignalFrame, info_signal));
  Mailbox& box = mailbox();
  box.fs_base = canonical(registers.fs_base);
  box.gs_base = canonical(registers.gs_base);
  box.frame = address_ + AREA_FRAME_OFFSET;
}

}  // namespace runsc::seccomp
