// seccomp(2): the application's own filters.
#include <linux/filter.h>
#include <linux/seccomp.h>

#include "boot/kernel/kernel.h"
#include "boot/kernel/seccomp_check.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/seccomp_hook.h"

namespace runsc {
namespace {

constexpr unsigned kServedFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
                                  SECCOMP_FILTER_FLAG_TSYNC_ESRCH;

// struct sock_fprog as the application has it.
struct UserProgram {
  std::uint16_t length;
  std::uint16_t padding[3];
  std::uint64_t instructions;
};
static_assert(sizeof(UserProgram) == 16);

Result<FilterProgram> read_program(CurrentTask& task, UserAddress address) {
  const UserProgram program = TRY(task.read(UserIn<UserProgram>{{address.value}}));
  if (program.length == 0 || program.length > BPF_MAXINSNS) return Errno(EINVAL);
  if (!task.credentials()->no_new_privileges && !task.credentials()->has_at_home(CAP_SYS_ADMIN)) return Errno(EACCES);
  return FilterProgram::check(TRY(task.read_array(UserIn<sock_filter>{{program.instructions}}, program.length)));
}

// A thread that cannot take over the filters of this one; null: none.
Task* find_diverged(TaskTree& tree, CurrentTask& task, const SeccompFilters& own) {
  for (const TaskPtr& other : task.group().links(tree).tasks)
    if (other.get() != &task.task() && !other->links(tree).exited && !own.extends(other->seccomp().get()))
      return other.get();
  return nullptr;
}

Result<long> install_everywhere(TaskTree& tree, CurrentTask& task, const SeccompFiltersPtr& filters) {
  for (const TaskPtr& other : task.group().links(tree).tasks)
    if (!other->links(tree).exited) set_seccomp(tree, *other, filters);
  return 0;
}

Result<long> add_filter(CurrentTask& task, unsigned flags, UserAddress address) {
  // User notifications are not served: they are unknown flags, as before Linux 5.0.
  if ((flags & ~kServedFlags) != 0) return Errno(EINVAL);
  const SeccompFilters::Filter filter{TRY(read_program(task, address)), (flags & SECCOMP_FILTER_FLAG_LOG) != 0,
                                      task.credentials()->no_new_privileges};
  // Without the lock: looking at every number takes a while.
  const SeccompFiltersPtr old = task.task().seccomp();
  if (old && old->is_strict()) return Errno(EINVAL);
  const SeccompFiltersPtr filters = TRY(SeccompFilters::add(old.get(), filter));
  auto tree = task.kernel().tasks().lock();
  if (task.task().seccomp() != old) return kRestartNoIntr;  // another thread was faster: once more
  if ((flags & SECCOMP_FILTER_FLAG_TSYNC) == 0) {
    set_seccomp(*tree, task.task(), filters);
    return 0;
  }
  static const SeccompFilters kNone;
  if (const Task* diverged = find_diverged(*tree, task, old ? *old : kNone)) {
    if ((flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH) != 0) return Errno(ESRCH);
    return raw(diverged->tid(*task.task().pid_namespace()));
  }
  return install_everywhere(*tree, task, filters);
}

Result<long> become_strict(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  const SeccompFiltersPtr old = task.task().seccomp();
  if (old && !old->is_strict()) return Errno(EINVAL);
  set_seccomp(*tree, task.task(), SeccompFilters::strict());
  return 0;
}

Result<long> is_action_available(CurrentTask& task, UserAddress address) {
  switch (TRY(task.read(UserIn<std::uint32_t>{{address.value}}))) {
    case SECCOMP_RET_KILL_PROCESS:
    case SECCOMP_RET_KILL_THREAD:
    case SECCOMP_RET_TRAP:
    case SECCOMP_RET_ERRNO:
    case SECCOMP_RET_TRACE:
    case SECCOMP_RET_LOG:
    case SECCOMP_RET_ALLOW:
      return 0;
    default:
      return Errno(EOPNOTSUPP);
  }
}

Result<long> write_notification_sizes(CurrentTask& task, UserAddress address) {
  const seccomp_notif_sizes sizes{sizeof(seccomp_notif), sizeof(seccomp_notif_resp), sizeof(seccomp_data)};
  TRY(task.write(UserOut<seccomp_notif_sizes>{{address.value}}, sizes));
  return 0;
}

}  // namespace

Result<long> sys_seccomp(CurrentTask& task, unsigned operation, unsigned flags, UserAddress argument) {
  switch (operation) {
    case SECCOMP_SET_MODE_STRICT:
      if (flags != 0 || argument) return Errno(EINVAL);
      return become_strict(task);
    case SECCOMP_SET_MODE_FILTER:
      return add_filter(task, flags, argument);
    case SECCOMP_GET_ACTION_AVAIL:
      if (flags != 0) return Errno(EINVAL);
      return is_action_available(task, argument);
    case SECCOMP_GET_NOTIF_SIZES:
      if (flags != 0) return Errno(EINVAL);
      return write_notification_sizes(task, argument);
    default:
      return Errno(EINVAL);
  }
}

Result<long> get_seccomp(CurrentTask& task) {
  const SeccompFiltersPtr filters = task.task().seccomp();
  return filters ? filters->mode() : SECCOMP_MODE_DISABLED;
}

Result<long> set_seccomp_by_prctl(CurrentTask& task, std::uint64_t mode, UserAddress program) {
  switch (mode) {
    case SECCOMP_MODE_STRICT:
      return become_strict(task);
    case SECCOMP_MODE_FILTER:
      return add_filter(task, 0, program);
    default:
      return Errno(EINVAL);
  }
}

}  // namespace runsc
