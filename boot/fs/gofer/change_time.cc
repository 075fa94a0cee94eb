#include "boot/fs/gofer/change_time.h"

namespace runsc {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
// Several ticks of the slowest host; and two seconds where time stamps have whole seconds only.
constexpr std::int64_t kFineAge = 50'000'000;
constexpr std::int64_t kCoarseAge = 2 * kNanosecondsPerSecond;

}  // namespace

timespec file_clock() {
  timespec now{};
  if (::clock_gettime(CLOCK_REALTIME_COARSE, &now) != 0) return {};
  return now;
}

bool is_settled(const gofer::Timestamp& changed, const timespec& now) {
  // Subtracted only where the difference is small: the host may name any time.
  if (changed.seconds > now.tv_sec) return false;
  if (changed.seconds < now.tv_sec - 60) return true;
  const std::int64_t age =
      (now.tv_sec - changed.seconds) * kNanosecondsPerSecond + now.tv_nsec - std::int64_t{changed.nanoseconds};
  return age > (changed.nanoseconds == 0 ? kCoarseAge : kFineAge);
}

}  // namespace runsc
