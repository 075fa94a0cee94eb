// getitimer(2), setitimer(2), alarm(2).
#include <sys/time.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/interval_timers.h"
#include "boot/kernel/kernel.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

constexpr std::int64_t kMicrosecondsPerSecond = 1'000'000;

bool valid(const timeval& time) {
  return time.tv_sec >= 0 && time.tv_usec >= 0 && time.tv_usec < kMicrosecondsPerSecond;
}

std::int64_t nanoseconds(const timeval& time) { return to_ns(timespec{time.tv_sec, time.tv_usec * 1000}); }

timeval to_timeval(std::int64_t nanoseconds) {
  const timespec time = to_timespec(nanoseconds);
  return {time.tv_sec, time.tv_nsec / 1000};
}

itimerval to_itimerval(const IntervalSetting& setting) {
  return {to_timeval(setting.interval), to_timeval(setting.remaining)};
}

bool valid_which(int which) { return which == ITIMER_REAL || which == ITIMER_VIRTUAL || which == ITIMER_PROF; }

IntervalSetting set(CurrentTask& task, int which, const IntervalSetting& setting) {
  auto tree = task.kernel().tasks().lock();
  return task.group().interval_timers().set(*tree, which, setting);
}

}  // namespace

Result<long> sys_getitimer(CurrentTask& task, int which, UserOut<struct itimerval> out) {
  if (!valid_which(which)) return Errno(EINVAL);
  IntervalSetting setting;
  {
    auto tree = task.kernel().tasks().lock();
    setting = task.group().interval_timers().get(*tree, which);
  }
  TRY(task.write(out, to_itimerval(setting)));
  return 0;
}

Result<long> sys_setitimer(CurrentTask& task, int which, UserIn<struct itimerval> value,
                           UserOut<struct itimerval> old) {
  // No value disarms: a habit of old programs that Linux keeps up.
  itimerval wanted{};
  if (value) {
    wanted = TRY(task.read(value));
    if (!valid(wanted.it_value) || !valid(wanted.it_interval)) return Errno(EINVAL);
  }
  if (!valid_which(which)) return Errno(EINVAL);
  const IntervalSetting before = set(task, which, {nanoseconds(wanted.it_value), nanoseconds(wanted.it_interval)});
  if (old) TRY(task.write(old, to_itimerval(before)));
  return 0;
}

Result<long> sys_alarm(CurrentTask& task, unsigned seconds) {
  const IntervalSetting before = set(task, ITIMER_REAL, {seconds * kNanosecondsPerSecond, 0});
  const timeval left = to_timeval(before.remaining);
  // Rounded, but never to 0 while an alarm was set.
  const bool up = left.tv_usec >= kMicrosecondsPerSecond / 2 || (left.tv_sec == 0 && left.tv_usec != 0);
  return left.tv_sec + (up ? 1 : 0);
}

}  // namespace runsc
