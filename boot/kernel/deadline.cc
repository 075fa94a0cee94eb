#include "boot/kernel/deadline.h"

#include <limits>

#include "boot/base/checked.h"

namespace runsc {

std::int64_t now_ns(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return to_ns(now);
}

std::int64_t to_ns(const timespec& time) {
  const auto seconds = checked_mul<std::int64_t>(time.tv_sec, kNanosecondsPerSecond);
  const auto sum = seconds ? checked_add<std::int64_t>(*seconds, time.tv_nsec) : std::nullopt;
  return sum.value_or(std::numeric_limits<std::int64_t>::max());
}

timespec to_timespec(std::int64_t nanoseconds) {
  return {nanoseconds / kNanosecondsPerSecond, nanoseconds % kNanosecondsPerSecond};
}

bool valid_timespec(const timespec& time) {
  return time.tv_sec >= 0 && time.tv_nsec >= 0 && time.tv_nsec < kNanosecondsPerSecond;
}

Deadline Deadline::after(std::int64_t duration_ns) {
  const auto at = checked_add(now_ns(CLOCK_MONOTONIC), duration_ns);
  return {CLOCK_MONOTONIC, at.value_or(std::numeric_limits<std::int64_t>::max())};
}

}  // namespace runsc
