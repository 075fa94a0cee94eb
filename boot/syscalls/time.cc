// Reading clocks: clock_gettime(2), clock_getres(2), gettimeofday(2), time(2), times(2). Programs mostly read them in
// the vdso; what comes here are CPU clocks and programs that do not use it.
#include <sys/time.h>
#include <sys/times.h>

#include "boot/kernel/interval_timers.h"
#include "boot/kernel/kernel.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/time_clocks.h"

namespace runsc {
namespace {

constexpr std::int64_t kNanosecondsPerTick = 10'000'000;  // of clock_t

}  // namespace

Result<long> sys_clock_gettime(CurrentTask& task, int id, UserOut<struct timespec> out) {
  const TimerClock clock = TRY(find_clock(task, id));
  // A clock of a process that has just ended is no clock.
  const Result<std::int64_t> now = clock_now(task, clock);
  if (!now.ok()) return Errno(EINVAL);
  TRY(task.write(out, to_timespec(*now)));
  return 0;
}

Result<long> sys_clock_getres(CurrentTask& task, int id, UserOut<struct timespec> out) {
  const TimerClock clock = TRY(find_clock(task, id));
  timespec resolution{0, 1};
  if (!clock.is_cpu_clock() && ::clock_getres(clock.id, &resolution) != 0) return last_errno();
  if (out) TRY(task.write(out, resolution));
  return 0;
}

Result<long> sys_gettimeofday(CurrentTask& task, UserOut<struct timeval> time, UserOut<struct timezone> zone) {
  if (time) {
    const timespec now = to_timespec(now_ns(CLOCK_REALTIME));
    TRY(task.write(time, timeval{now.tv_sec, now.tv_nsec / 1000}));
  }
  if (zone) TRY(task.write(zone, (struct timezone){0, 0}));
  return 0;
}

Result<long> sys_time(CurrentTask& task, UserOut<std::int64_t> out) {
  const std::int64_t now = now_ns(CLOCK_REALTIME) / kNanosecondsPerSecond;
  if (out) TRY(task.write(out, now));
  return now;
}

Result<long> sys_times(CurrentTask& task, UserOut<struct tms> out) {
  if (out) {
    auto tree = task.kernel().tasks().lock();
    const CpuTime own = cpu_time(*tree, task.group());
    const Usage children = task.group().links(*tree).reaped_children;
    tree.unlock();
    const auto ticks = [](std::int64_t nanoseconds) { return nanoseconds / kNanosecondsPerTick; };
    const struct tms times {
      ticks(own.user_ns), ticks(own.system_ns), ticks(children.user_ns), ticks(children.system_ns)
    };
    TRY(task.write(out, times));
  }
  return now_ns(CLOCK_BOOTTIME) / kNanosecondsPerTick;
}

}  // namespace runsc
