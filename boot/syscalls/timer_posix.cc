// timer_create(2), timer_settime(2), timer_gettime(2), timer_getoverrun(2), timer_delete(2).
#include <signal.h>

#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/signal_event.h"
#include "boot/syscalls/time_clocks.h"

namespace runsc {
namespace {

Result<void> check_timer_clock(CurrentTask& task, const TimerClock& clock) {
  switch (clock.id) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_BOOTTIME:
    case CLOCK_TAI:
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
      return {};
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
      return Errno(task.capable(CAP_WAKE_ALARM) ? EOPNOTSUPP : EPERM);  // no clock that could wake the machine
    default:
      return Errno(EOPNOTSUPP);
  }
}

Result<TimerEvent> to_timer_event(CurrentTask& task, const SignalEvent& event) {
  TimerEvent out;
  out.notify = event.notify;
  out.signal = event.signal;
  out.value = event.value;
  switch (event.notify) {
    case SIGEV_NONE:
      return out;
    case SIGEV_THREAD_ID: {
      auto tree = task.kernel().tasks().lock();
      Task* thread = task.task().pid_namespace()->find(*tree, Pid{event.thread});
      if (thread == nullptr || thread->group() != task.task().group()) return Errno(EINVAL);
      out.thread = thread->weak_from_this();
      [[fallthrough]];
    }
    case SIGEV_SIGNAL:
    case SIGEV_THREAD:  // the C library's; sent as a signal to the process
      if (!valid_signal(event.signal)) return Errno(EINVAL);
      return out;
    default:
      return Errno(EINVAL);
  }
}

bool valid(const itimerspec& time) { return valid_timespec(time.it_value) && valid_timespec(time.it_interval); }

itimerspec to_itimerspec(const IntervalSetting& setting) {
  return {to_timespec(setting.interval), to_timespec(setting.remaining)};
}

}  // namespace

Result<long> sys_timer_create(CurrentTask& task, int clock_id, UserIn<struct sigevent> event, UserOut<int> id_out) {
  SignalEvent wanted;
  wanted.signal = SIGALRM;
  if (event) wanted = TRY(task.read(UserIn<SignalEvent>{{event.value}}));
  const TimerClock clock = TRY(find_clock(task, clock_id));
  TRY(check_timer_clock(task, clock));
  const TimerEvent timer_event = TRY(to_timer_event(task, wanted));
  PosixTimers& timers = task.group().posix_timers();
  int id = 0;
  {
    auto tree = task.kernel().tasks().lock();
    id = TRY(timers.create(*tree, clock, timer_event, !event));
  }
  const Result<void> written = task.write(id_out, id);
  if (written.ok()) return 0;
  auto tree = task.kernel().tasks().lock();
  (void)timers.remove(*tree, id);
  return written.error();
}

Result<long> sys_timer_settime(CurrentTask& task, int id, int flags, UserIn<struct itimerspec> value,
                               UserOut<struct itimerspec> old) {
  if (!value) return Errno(EINVAL);
  const itimerspec wanted = TRY(task.read(value));
  if (!valid(wanted)) return Errno(EINVAL);
  IntervalSetting before;
  {
    auto tree = task.kernel().tasks().lock();
    const IntervalSetting setting{to_ns(wanted.it_value), to_ns(wanted.it_interval)};
    before = TRY(task.group().posix_timers().set(*tree, id, setting, (flags & TIMER_ABSTIME) != 0));
  }
  if (old) TRY(task.write(old, to_itimerspec(before)));
  return 0;
}

Result<long> sys_timer_gettime(CurrentTask& task, int id, UserOut<struct itimerspec> out) {
  IntervalSetting setting;
  {
    auto tree = task.kernel().tasks().lock();
    setting = TRY(task.group().posix_timers().get(*tree, id));
  }
  TRY(task.write(out, to_itimerspec(setting)));
  return 0;
}

Result<long> sys_timer_getoverrun(CurrentTask& task, int id) {
  auto tree = task.kernel().tasks().lock();
  return TRY(task.group().posix_timers().overrun(*tree, id));
}

Result<long> sys_timer_delete(CurrentTask& task, int id) {
  auto tree = task.kernel().tasks().lock();
  TRY(task.group().posix_timers().remove(*tree, id));
  return 0;
}

}  // namespace runsc
