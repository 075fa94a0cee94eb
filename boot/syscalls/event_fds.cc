// eventfd(2), timerfd_create(2), signalfd(2).
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "boot/fs/anon/event_fd.h"
#include "boot/fs/anon/signal_fd.h"
#include "boot/fs/anon/timer_fd.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

Result<std::shared_ptr<TimerFd>> timer_of(CurrentTask& task, Fd fd) {
  auto timer = std::dynamic_pointer_cast<TimerFd>(TRY(task.io_file(fd)));
  if (timer == nullptr) return Errno(EINVAL);
  return timer;
}

bool valid_timer_clock(int clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME ||
         clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
}

}  // namespace

Result<long> sys_eventfd2(CurrentTask& task, unsigned initial, int flags) {
  if ((flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) != 0) return Errno(EINVAL);
  const Fd fd = TRY(task.install(std::make_shared<EventFd>(initial, flags), (flags & EFD_CLOEXEC) != 0));
  return raw(fd);
}

Result<long> sys_eventfd(CurrentTask& task, unsigned initial) { return sys_eventfd2(task, initial, 0); }

Result<long> sys_timerfd_create(CurrentTask& task, int clock, int flags) {
  if ((flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) != 0 || !valid_timer_clock(clock)) return Errno(EINVAL);
  const bool alarm = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;
  if (alarm && !task.capable(CAP_WAKE_ALARM)) return Errno(EPERM);
  auto timer = std::make_shared<TimerFd>(task.kernel().timers(), clock, flags);
  const Fd fd = TRY(task.install(std::move(timer), (flags & TFD_CLOEXEC) != 0));
  return raw(fd);
}

Result<long> sys_timerfd_settime(CurrentTask& task, Fd fd, int flags, UserIn<struct itimerspec> wanted,
                                 UserOut<struct itimerspec> old) {
  const itimerspec value = TRY(task.read(wanted));
  if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0) return Errno(EINVAL);
  if (!valid_timespec(value.it_value) || !valid_timespec(value.it_interval)) return Errno(EINVAL);
  const itimerspec before = TRY(timer_of(task, fd))->set(flags, value);
  if (old) TRY(task.write(old, before));
  return 0;
}

Result<long> sys_timerfd_gettime(CurrentTask& task, Fd fd, UserOut<struct itimerspec> where) {
  TRY(task.write(where, TRY(timer_of(task, fd))->get()));
  return 0;
}

Result<long> sys_signalfd4(CurrentTask& task, Fd fd, UserIn<SignalSet> where, std::size_t size, int flags) {
  if ((flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) != 0 || size != sizeof(SignalSet)) return Errno(EINVAL);
  const SignalSet wanted = TRY(task.read(where));
  if (fd == kNoFd) {
    const Fd made = TRY(task.install(std::make_shared<SignalFd>(wanted, flags), (flags & SFD_CLOEXEC) != 0));
    return raw(made);
  }
  const auto file = std::dynamic_pointer_cast<SignalFd>(TRY(task.io_file(fd)));
  if (file == nullptr) return Errno(EINVAL);
  file->set_wanted(wanted);
  return raw(fd);
}

Result<long> sys_signalfd(CurrentTask& task, Fd fd, UserIn<SignalSet> where, std::size_t size) {
  return sys_signalfd4(task, fd, where, size, 0);
}

}  // namespace runsc
