// kcmp(2): whether two tasks share an object of the kernel. Which of two different ones comes first is not told: that
// would be their addresses.
#include <linux/kcmp.h>

#include "boot/kernel/fd_table.h"
#include "boot/kernel/kernel.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/process_access.h"

namespace runsc {
namespace {

constexpr long kEqual = 0;
constexpr long kDifferent = 3;

Result<TaskPtr> find_task(CurrentTask& task, Pid pid) {
  auto tree = task.kernel().tasks().lock();
  Task* found = task.task().pid_namespace()->find(*tree, pid);
  if (found == nullptr) return Errno(ESRCH);
  return found->shared_from_this();
}

long compare(const auto& one, const auto& other) { return one == other ? kEqual : kDifferent; }

Result<FilePtr> file_of(Task& task, std::uint64_t number) {
  const auto files = task.files();
  if (!files || number > static_cast<std::uint64_t>(INT32_MAX)) return Errno(EBADF);
  return files->get(Fd{static_cast<int>(number)});
}

std::shared_ptr<SignalHandlers> handlers_of(CurrentTask& task, Task& target) {
  auto tree = task.kernel().tasks().lock();
  return target.group()->links(*tree).handlers;
}

}  // namespace

Result<long> sys_kcmp(CurrentTask& task, Pid first, Pid second, int type, std::uint64_t one, std::uint64_t other) {
  const TaskPtr a = TRY(find_task(task, first));
  const TaskPtr b = TRY(find_task(task, second));
  if (!may_attach(task, *a) || !may_attach(task, *b)) return Errno(EPERM);
  switch (type) {
    case KCMP_FILE:
      return compare(TRY(file_of(*a, one)), TRY(file_of(*b, other)));
    case KCMP_VM:
      return compare(a->memory(), b->memory());
    case KCMP_FILES:
      return compare(a->files(), b->files());
    case KCMP_FS:
      return compare(a->fs(), b->fs());
    case KCMP_SIGHAND:
      return compare(handlers_of(task, *a), handlers_of(task, *b));
    case KCMP_IO:
      return kEqual;  // no task has an I/O context
    case KCMP_SYSVSEM:
    case KCMP_EPOLL_TFD:
      return Errno(EOPNOTSUPP);
    default:
      return Errno(EINVAL);
  }
}

}  // namespace runsc
