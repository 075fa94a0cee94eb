#include "boot/platform/seccomp/fp_state.h"

#include <csignal>
#include <cstddef>
#include <cstring>

#include "boot/base/host_call.h"

namespace runsc::seccomp {
namespace {

// arch/x86/include/uapi/asm/sigcontext.h. The C library's <bits/sigcontext.h> hides the software bytes.
constexpr std::uint32_t kMagic1 = 0x46505853;
constexpr std::uint32_t kMagic2 = 0x46505845;
constexpr std::size_t kLegacySize = 512;
constexpr std::size_t kHeaderSize = 64;
constexpr std::size_t kMxcsrOffset = 24;
constexpr std::size_t kMxcsrMaskOffset = 28;
constexpr std::size_t kSoftwareOffset = 464;

// struct _fpx_sw_bytes.
struct SoftwareBytes {
  std::uint32_t magic1;
  std::uint32_t extended_size;
  std::uint64_t xfeatures;
  std::uint32_t xstate_size;
  std::uint32_t padding[7];
};
static_assert(kSoftwareOffset + sizeof(SoftwareBytes) == kLegacySize);

// struct _header of the XSAVE area.
struct XsaveHeader {
  std::uint64_t xfeatures;
  std::uint64_t xcomp_bv;
  std::uint64_t reserved[6];
};
static_assert(sizeof(XsaveHeader) == kHeaderSize);

template <typename T>
T load(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

bool has_magic(const SoftwareBytes& software) { return software.magic1 == kMagic1; }

bool valid_extended(const FpLayout& layout, const SoftwareBytes& software, std::span<const std::byte> bytes) {
  if (!has_magic(software) || layout.features == 0) return false;
  const std::size_t size = software.xstate_size;
  if (size < kLegacySize + kHeaderSize || size > layout.xstate_size || size > software.extended_size) return false;
  return bytes.size() >= size + 4 && load<std::uint32_t>(bytes, size) == kMagic2;
}

// What XRSTOR faults on.
bool valid_header(const FpLayout& layout, const SoftwareBytes& software, std::span<const std::byte> bytes) {
  const auto header = load<XsaveHeader>(bytes, kLegacySize);
  if (header.xcomp_bv != 0) return false;
  for (const std::uint64_t word : header.reserved)
    if (word != 0) return false;
  return (software.xfeatures & ~layout.features) == 0 && (header.xfeatures & ~layout.features) == 0;
}

FpLayout layout_of_frame(std::span<const std::byte> area) {
  FpLayout layout;
  const auto software = load<SoftwareBytes>(area, kSoftwareOffset);
  layout.xstate_size = has_magic(software) ? software.xstate_size : kLegacySize;
  layout.features = has_magic(software) ? software.xfeatures : 0;
  const auto mxcsr_mask = load<std::uint32_t>(area, kMxcsrMaskOffset);
  if (mxcsr_mask != 0) layout.mxcsr_mask = mxcsr_mask;
  return layout;
}

// Reached from a signal handler, which has no other way to its caller; used once, before there are threads.
FpLayout probed_layout;

void look_at_frame(int, siginfo_t*, void* context) {
  const auto* area = reinterpret_cast<const std::byte*>(static_cast<const ucontext_t*>(context)->uc_mcontext.fpregs);
  if (area != nullptr) probed_layout = layout_of_frame(std::span(area, kLegacySize));
}

}  // namespace

Result<FpLayout> probe_fp_layout() {
  struct sigaction action {};
  struct sigaction old {};
  action.sa_sigaction = look_at_frame;
  action.sa_flags = SA_SIGINFO;
  TRY(HOST_CALL(sigaction(SIGURG, &action, &old)));
  raise(SIGURG);
  sigaction(SIGURG, &old, nullptr);
  if (probed_layout.xstate_size < kLegacySize) return Errno(ENOSYS);
  return probed_layout;
}

Result<std::vector<std::byte>> checked_fp_state(const FpLayout& layout, std::span<const std::byte> bytes) {
  if (bytes.size() < kLegacySize) return Errno(EINVAL);
  const auto mxcsr = load<std::uint32_t>(bytes, kMxcsrOffset);
  if ((mxcsr & ~layout.mxcsr_mask) != 0) return Errno(EINVAL);
  const auto software = load<SoftwareBytes>(bytes, kSoftwareOffset);
  if (valid_extended(layout, software, bytes)) {
    if (!valid_header(layout, software, bytes)) return Errno(EINVAL);
    return std::vector<std::byte>(bytes.begin(), bytes.begin() + software.xstate_size + 4);
  }
  std::vector<std::byte> legacy(bytes.begin(), bytes.begin() + kLegacySize);
  std::memset(legacy.data() + kSoftwareOffset, 0, sizeof(software));
  return legacy;
}

std::size_t fp_state_size(const FpLayout& layout, std::span<const std::byte> legacy_area) {
  const auto software = load<SoftwareBytes>(legacy_area, kSoftwareOffset);
  if (!has_magic(software) || layout.features == 0) return kLegacySize;
  if (software.xstate_size < kLegacySize || software.xstate_size > layout.xstate_size) return kLegacySize;
  return software.xstate_size + 4;
}

}  // namespace runsc::seccomp
