// nanosleep(2), clock_nanosleep(2).
#include "boot/kernel/interval_timers.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/time_clocks.h"

namespace runsc {
namespace {

bool is_interrupted(const Result<void>& result) { return !result.ok() && result.error() != Errno(ETIMEDOUT); }

Result<void> sleep_until(CurrentTask& task, const Deadline& deadline) {
  return task.sleep_until(deadline, [] { return false; });
}

// Until the clock reaches `at`. Interrupted: kRestartSys.
Result<void> sleep_on(CurrentTask& task, const TimerClock& clock, std::int64_t at) {
  for (;;) {
    const std::int64_t now = TRY(clock_now(task, clock));
    if (now >= at) return {};
    const bool direct = clock.id == CLOCK_REALTIME || clock.id == CLOCK_MONOTONIC;
    Deadline deadline{clock.id, at};
    if (clock.is_cpu_clock()) {
      deadline = next_cpu_sample(at - now);
    } else if (!direct) {
      // At the rate of the monotonic clock; looked at again when that time has come.
      deadline = Deadline::after(at - now);
    }
    const Result<void> result = sleep_until(task, deadline);
    if (is_interrupted(result)) return result;
  }
}

// A relative sleep ends on a clock that nobody sets. Interrupted by a handler, it tells what remained.
Result<long> sleep_for(CurrentTask& task, const TimerClock& clock, std::int64_t at,
                       UserOut<struct timespec> remaining) {
  const Result<void> result = sleep_on(task, clock, at);
  if (!is_interrupted(result)) return 0;
  if (result.error() != kRestartSys) return result.error();
  const std::int64_t left = at - clock_now(task, clock).value_or(at);
  if (left <= 0) return 0;
  if (remaining) TRY(task.write(remaining, to_timespec(left)));
  return task.restart_with([=](CurrentTask& again) { return sleep_for(again, clock, at, remaining); });
}

Result<long> start_sleep(CurrentTask& task, TimerClock clock, std::int64_t duration,
                         UserOut<struct timespec> remaining) {
  if (clock.id == CLOCK_REALTIME || clock.id == CLOCK_TAI) clock.id = CLOCK_MONOTONIC;
  const std::int64_t now = TRY(clock_now(task, clock));
  const std::int64_t at = checked_add(now, duration).value_or(std::numeric_limits<std::int64_t>::max());
  return sleep_for(task, clock, at, remaining);
}

// Clocks that can be read but not slept on.
Result<void> check_sleepable(CurrentTask& task, clockid_t id, const TimerClock& clock) {
  switch (clock.id) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
      return {};
    case CLOCK_PROCESS_CPUTIME_ID:
      return {};
    case CLOCK_THREAD_CPUTIME_ID: {
      // The caller does not get older while it sleeps.
      if (id == CLOCK_THREAD_CPUTIME_ID) return Errno(EOPNOTSUPP);
      if (clock.thread.lock() == task.task_ptr()) return Errno(EINVAL);
      return {};
    }
    default:
      return Errno(EOPNOTSUPP);
  }
}

}  // namespace

Result<long> sys_nanosleep(CurrentTask& task, UserIn<struct timespec> duration, UserOut<struct timespec> remaining) {
  const timespec time = TRY(task.read(duration));
  if (!valid_timespec(time)) return Errno(EINVAL);
  return start_sleep(task, TimerClock{}, to_ns(time), remaining);
}

Result<long> sys_clock_nanosleep(CurrentTask& task, int id, int flags, UserIn<struct timespec> request,
                                 UserOut<struct timespec> remaining) {
  const TimerClock clock = TRY(find_clock(task, id));
  TRY(check_sleepable(task, id, clock));
  const timespec time = TRY(task.read(request));
  if (!valid_timespec(time)) return Errno(EINVAL);
  if ((flags & TIMER_ABSTIME) == 0) return start_sleep(task, clock, to_ns(time), remaining);
  const Result<void> result = sleep_on(task, clock, to_ns(time));
  if (!is_interrupted(result)) return 0;
  return result.error() == kRestartSys ? kRestartNoHandler : result.error();
}

}  // namespace runsc
