// pause(2), rt_sigsuspend(2), rt_sigtimedwait(2).
#include <time.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

// Until a signal is handled.
Errno sleep_for_handler(CurrentTask& task) {
  (void)task.sleep_until(std::nullopt, [] { return false; });
  return kRestartNoHandler;
}

std::optional<SignalInfo> take_signal(CurrentTask& task, SignalSet wanted) {
  auto tree = task.kernel().tasks().lock();
  const auto info = dequeue_signal(*tree, task.task(), wanted);
  // What woke the task may have been this signal, or one that another thread took: then nothing is left to handle.
  recalculate_work(*tree, task.task());
  return info;
}

// EAGAIN: none came in time; EINTR: another one must be handled.
Result<SignalInfo> wait_for_signal(CurrentTask& task, SignalSet wanted, const OptionalDeadline& deadline) {
  const auto set_waiting_for = [&](SignalSet signals) {
    auto tree = task.kernel().tasks().lock();
    task.task().signals(*tree).waiting_for = signals;
  };
  set_waiting_for(wanted);
  std::optional<SignalInfo> info;
  const Result<void> result =
      task.sleep_until(deadline, [&] { return (info = take_signal(task, wanted)).has_value(); });
  set_waiting_for({});
  // It may have come at the last moment.
  if (!info) info = take_signal(task, wanted);
  if (info) return *info;
  return Errno(result.error() == Errno(ETIMEDOUT) ? EAGAIN : EINTR);
}

}  // namespace

Result<long> sys_pause(CurrentTask& task) { return sleep_for_handler(task); }

Result<long> sys_rt_sigsuspend(CurrentTask& task, UserIn<SignalSet> mask, std::size_t set_size) {
  if (set_size != sizeof(SignalSet)) return Errno(EINVAL);
  task.set_temporary_mask(TRY(task.read(mask)));
  return sleep_for_handler(task);
}

Result<long> sys_rt_sigtimedwait(CurrentTask& task, UserIn<SignalSet> set, UserOut<SignalInfo> out,
                                 UserIn<struct timespec> timeout, std::size_t set_size) {
  if (set_size != sizeof(SignalSet)) return Errno(EINVAL);
  const SignalSet wanted = TRY(task.read(set)) & ~kUnblockable;
  OptionalDeadline deadline;
  if (timeout) {
    const timespec duration = TRY(task.read(timeout));
    if (!valid_timespec(duration)) return Errno(EINVAL);
    deadline = Deadline::after(to_ns(duration));
  }
  const SignalInfo info = TRY(wait_for_signal(task, wanted, deadline));
  if (out) TRY(task.write(out, info));
  return info.signo;
}

}  // namespace runsc
