// Points in time of the clocks that waits and timers use.
#pragma once

#include <cstdint>
#include <ctime>
#include <optional>

namespace runsc {

inline constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// Nanoseconds of a host clock. Application clocks CLOCK_REALTIME, MONOTONIC and BOOTTIME are the host's, as the vdso
// shows them to the application.
std::int64_t now_ns(clockid_t clock);

// Saturates instead of overflowing. Precondition: a valid timespec (0 <= tv_nsec < 1e9).
std::int64_t to_ns(const timespec& time);
timespec to_timespec(std::int64_t nanoseconds);
// tv_sec >= 0 and 0 <= tv_nsec < 1e9.
bool valid_timespec(const timespec& time);

// An absolute time on CLOCK_MONOTONIC or CLOCK_REALTIME until which a wait lasts. A changed wall clock moves a
// CLOCK_REALTIME deadline.
struct Deadline {
  clockid_t clock = CLOCK_MONOTONIC;
  std::int64_t at_ns = 0;

  // Now plus `duration_ns` on CLOCK_MONOTONIC, saturated.
  static Deadline after(std::int64_t duration_ns);
  bool passed() const { return now_ns(clock) >= at_ns; }
};
using OptionalDeadline = std::optional<Deadline>;

}  // namespace runsc
