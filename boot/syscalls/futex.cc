// futex(2) as far as it reaches the kernel (boot/kernel/futex.h), set_robust_list(2), set_tid_address(2).
#include "boot/kernel/futex.h"

#include <linux/futex.h>
#include <time.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/platform/native_calls.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

constexpr int kLockPi2 = 13;  // FUTEX_LOCK_PI2
constexpr std::size_t kRobustListHeadSize = 24;

// Which clock an operation's absolute time-out counts on.
clockid_t clock_of(int command, int flags) {
  const bool realtime = command == FUTEX_LOCK_PI || (flags & FUTEX_CLOCK_REALTIME) != 0;
  return realtime ? CLOCK_REALTIME : CLOCK_MONOTONIC;
}

Result<OptionalDeadline> read_deadline(CurrentTask& task, UserAddress timeout, clockid_t clock) {
  if (!timeout) return OptionalDeadline();
  const timespec time = TRY(task.read(UserIn<timespec>{{timeout.value}}));
  if (!valid_timespec(time)) return Errno(EINVAL);
  return OptionalDeadline(Deadline{clock, to_ns(time)});
}

}  // namespace

Result<long> sys_futex(CurrentTask& task, UserAddress address, int operation, std::uint32_t value, UserAddress timeout,
                       UserAddress second_address, std::uint32_t third_value) {
  const int command = operation & FUTEX_CMD_MASK;
  const bool is_private = (operation & FUTEX_PRIVATE_FLAG) != 0;
  const FutexAddress futex{address.value, is_private}, second{second_address.value, is_private};
  const bool clock_allowed = command == FUTEX_WAIT_BITSET || command == FUTEX_WAIT_REQUEUE_PI || command == kLockPi2;
  if ((operation & FUTEX_CLOCK_REALTIME) != 0 && !clock_allowed) return Errno(ENOSYS);
  // Here because somebody had to be asked first: seccomp filters, a tracer.
  if (is_native_futex_command(static_cast<std::uint32_t>(command))) return task.call_on_host();
  switch (command) {
    case FUTEX_LOCK_PI:
    case kLockPi2: {
      const OptionalDeadline deadline = TRY(read_deadline(task, timeout, clock_of(command, operation)));
      TRY(futex_lock_pi(task, futex, deadline, false));
      return 0;
    }
    case FUTEX_TRYLOCK_PI:
      TRY(futex_lock_pi(task, futex, std::nullopt, true));
      return 0;
    case FUTEX_UNLOCK_PI:
      TRY(futex_unlock_pi(task, futex));
      return 0;
    case FUTEX_WAIT_REQUEUE_PI: {
      const OptionalDeadline deadline = TRY(read_deadline(task, timeout, clock_of(command, operation)));
      TRY(futex_wait_requeue_pi(task, futex, value, deadline, second));
      return 0;
    }
    case FUTEX_CMP_REQUEUE_PI:
      // The time-out's place holds how many are requeued; exactly one is woken.
      if (value != 1) return Errno(EINVAL);
      return TRY(futex_cmp_requeue_pi(task, futex, second, third_value, static_cast<std::uint32_t>(timeout.value)));
    default:
      return Errno(ENOSYS);
  }
}

Result<long> sys_futex_waitv(CurrentTask& task, UserAddress, unsigned, unsigned, UserAddress, int) {
  return task.call_on_host();
}

Result<long> sys_set_robust_list(CurrentTask& task, UserAddress head, std::size_t size) {
  if (size != kRobustListHeadSize) return Errno(EINVAL);
  task.robust_list = head;
  return 0;
}

Result<long> sys_get_robust_list(CurrentTask& task, Pid pid, UserOut<std::uint64_t> head, UserOut<std::size_t> size) {
  if (raw(pid) != 0 && pid != task.task().tid()) {
    auto tree = task.kernel().tasks().lock();
    const Task* target = task.task().pid_namespace()->find(*tree, pid);
    return Errno(target == nullptr ? ESRCH : EPERM);
  }
  TRY(task.write(size, kRobustListHeadSize));
  TRY(task.write(head, task.robust_list.value));
  return 0;
}

Result<long> sys_set_tid_address(CurrentTask& task, UserOut<int> address) {
  task.clear_child_tid = address;
  return raw(task.task().tid());
}

}  // namespace runsc
