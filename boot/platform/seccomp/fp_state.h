// The floating point and vector state of a thread, in the format in which the host puts it into a signal frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "boot/base/result.h"

namespace runsc::seccomp {

// What the host saves for an ordinary thread of this machine.
struct FpLayout {
  std::uint32_t xstate_size = 0;  // without the trailing magic number; 512: the processor has no XSAVE
  std::uint64_t features = 0;     // XSAVE components
  std::uint32_t mxcsr_mask = 0xffbf;

  std::size_t frame_size() const { return xstate_size + (features != 0 ? 4 : 0); }
};

// Looks at a signal frame of this process. Called while it has one thread.
Result<FpLayout> probe_fp_layout();

// Checks state that an application has given (sigreturn, ptrace) and returns what may be handed to the host's
// rt_sigreturn; as there, an area without valid XSAVE magic numbers counts as a plain FXSAVE area. EINVAL: reserved
// bits are set, or it is too short.
Result<std::vector<std::byte>> checked_fp_state(const FpLayout& layout, std::span<const std::byte> bytes);

// The size of the state that starts with these (at least 512) bytes, as its own header gives it; never more than
// layout.frame_size().
std::size_t fp_state_size(const FpLayout& layout, std::span<const std::byte> legacy_area);

}  // namespace runsc::seccomp
