#include "boot/syscalls/ptrace_registers.h"

#include <elf.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace runsc {
namespace {

constexpr std::uint64_t kUserCode = 0x33, kUserData = 0x2b;  // selectors of 64-bit programs
constexpr std::size_t kLegacySize = 512;                     // FXSAVE
constexpr std::size_t kSoftwareBytes = 464;  // what signal frames keep there: magic, size, features, size of the area
constexpr std::size_t kFeatures = kSoftwareBytes + 8;
constexpr std::size_t kMagicSize = 4;  // behind the area of a signal frame

// The registers that ptrace(2) shows and changes as they are; the others have rules of their own.
struct PlainRegister {
  unsigned long long user_regs_struct::*shown;
  std::uint64_t Registers::*own;
};

constexpr PlainRegister kPlainRegisters[] = {
    {&user_regs_struct::r15, &Registers::r15},         {&user_regs_struct::r14, &Registers::r14},
    {&user_regs_struct::r13, &Registers::r13},         {&user_regs_struct::r12, &Registers::r12},
    {&user_regs_struct::rbp, &Registers::rbp},         {&user_regs_struct::rbx, &Registers::rbx},
    {&user_regs_struct::r11, &Registers::r11},         {&user_regs_struct::r10, &Registers::r10},
    {&user_regs_struct::r9, &Registers::r9},           {&user_regs_struct::r8, &Registers::r8},
    {&user_regs_struct::rax, &Registers::rax},         {&user_regs_struct::rcx, &Registers::rcx},
    {&user_regs_struct::rdx, &Registers::rdx},         {&user_regs_struct::rsi, &Registers::rsi},
    {&user_regs_struct::rdi, &Registers::rdi},         {&user_regs_struct::rip, &Registers::rip},
    {&user_regs_struct::rsp, &Registers::rsp},         {&user_regs_struct::fs_base, &Registers::fs_base},
    {&user_regs_struct::gs_base, &Registers::gs_base},
};

// In the form of a signal frame, with its magic numbers if the processor has XSAVE.
std::vector<std::byte> signal_frame_area(Context& context) {
  const auto bytes = context.fp_state();
  return {bytes.begin(), bytes.end()};
}

bool is_extended(std::span<const std::byte> area) { return area.size() > kLegacySize + kMagicSize; }

// NT_X86_XSTATE has the features alone in the software bytes.
std::vector<std::byte> extended_area(Context& context) {
  std::vector<std::byte> area = signal_frame_area(context);
  std::uint64_t features = 3;
  if (is_extended(area)) {
    std::memcpy(&features, area.data() + kFeatures, sizeof features);
    area.resize(area.size() - kMagicSize);
  }
  if (area.size() < kLegacySize) area.resize(kLegacySize);
  std::memset(area.data() + kSoftwareBytes, 0, kLegacySize - kSoftwareBytes);
  std::memcpy(area.data() + kSoftwareBytes, &features, sizeof features);
  return area;
}

// Replaces the area but for what says how it is laid out. `most`: how much of it the caller may give.
Result<void> change_area(Context& context, std::span<const std::byte> bytes, std::size_t most) {
  std::vector<std::byte> area = signal_frame_area(context);
  if (bytes.size() > area.size() || bytes.size() > most) return Errno(EINVAL);
  const std::size_t before = std::min(bytes.size(), kSoftwareBytes);
  std::copy_n(bytes.begin(), before, area.begin());
  if (bytes.size() > kLegacySize && is_extended(area)) {
    const std::size_t end = std::min(bytes.size(), area.size() - kMagicSize);
    std::copy(bytes.begin() + kLegacySize, bytes.begin() + static_cast<std::ptrdiff_t>(end),
              area.begin() + kLegacySize);
  }
  return context.set_fp_state(area);
}

constexpr std::uint64_t kDebugRegisters = offsetof(struct user, u_debugreg);
constexpr unsigned kDebugStatus = 6, kDebugControl = 7;
constexpr std::uint64_t kInitialDebugStatus = 0xffff0ff0;

}  // namespace

user_regs_struct shown_registers(Context& context, const Tracing& tracing) {
  const Registers& from = context.registers();
  user_regs_struct to{};
  for (const PlainRegister& each : kPlainRegisters) to.*each.shown = from.*each.own;
  to.orig_rax = static_cast<std::uint64_t>(tracing.original_call);
  to.cs = kUserCode;
  to.eflags = tracing.steps ? from.rflags & ~kTrapFlag : from.rflags;
  to.ss = kUserData;
  return to;
}

Result<void> change_registers(Context& context, Tracing& tracing, const user_regs_struct& from) {
  if (from.fs_base >= kTaskSize || from.gs_base >= kTaskSize) return Errno(EIO);
  Registers& to = context.registers();
  for (const PlainRegister& each : kPlainRegisters) to.*each.own = from.*each.shown;
  tracing.original_call = static_cast<std::int64_t>(from.orig_rax);
  to.rflags = (to.rflags & ~kUserRflags) | (from.eflags & kUserRflags);
  return {};
}

Result<std::vector<std::byte>> register_set(Context& context, const Tracing& tracing, std::uint64_t type) {
  std::vector<std::byte> bytes;
  switch (type) {
    case NT_PRSTATUS: {
      const user_regs_struct registers = shown_registers(context, tracing);
      bytes.resize(sizeof registers);
      std::memcpy(bytes.data(), &registers, sizeof registers);
      return bytes;
    }
    case NT_FPREGSET:
      bytes = extended_area(context);
      bytes.resize(kLegacySize);
      std::memset(bytes.data() + kSoftwareBytes, 0, kLegacySize - kSoftwareBytes);
      return bytes;
    case NT_X86_XSTATE:
      return extended_area(context);
    default:
      return Errno(EINVAL);
  }
}

Result<void> change_register_set(Context& context, Tracing& tracing, std::uint64_t type,
                                 std::span<const std::byte> bytes) {
  switch (type) {
    case NT_PRSTATUS: {
      user_regs_struct registers = shown_registers(context, tracing);
      if (bytes.size() > sizeof registers || bytes.size() % sizeof(std::uint64_t) != 0) return Errno(EINVAL);
      // Not memcpy: of no bytes there is no address either.
      std::ranges::copy(bytes, std::as_writable_bytes(std::span(&registers, 1)).begin());
      return change_registers(context, tracing, registers);
    }
    case NT_FPREGSET:
      return change_area(context, bytes, kLegacySize);
    case NT_X86_XSTATE:
      return change_area(context, bytes, ~std::size_t{0});
    default:
      return Errno(EINVAL);
  }
}

std::optional<unsigned> debug_register_at(std::uint64_t offset) {
  if (offset < kDebugRegisters || offset >= kDebugRegisters + 8 * sizeof(std::uint64_t)) return std::nullopt;
  return static_cast<unsigned>((offset - kDebugRegisters) / sizeof(std::uint64_t));
}

std::uint64_t debug_register(const Tracing& tracing, unsigned number) {
  return number == kDebugStatus ? tracing.debug_status ^ kInitialDebugStatus : 0;
}

Result<long> set_debug_register(Tracing& tracing, unsigned number, std::uint64_t word) {
  constexpr std::uint64_t kEnableBits = 0xff;
  if (number == kDebugStatus) {
    tracing.debug_status = word ^ kInitialDebugStatus;
    return 0;
  }
  if (number != kDebugControl && number > 3) return Errno(EIO);
  if (number != kDebugControl && word >= kTaskSize) return Errno(EINVAL);
  const bool used = number == kDebugControl ? (word & kEnableBits) != 0 : word != 0;
  return used ? Result<long>(Errno(ENOSPC)) : Result<long>(0);
}

}  // namespace runsc
