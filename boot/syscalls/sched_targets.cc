#include "boot/syscalls/sched_targets.h"

#include "boot/kernel/kernel.h"
#include "boot/kernel/process_group.h"

namespace runsc {
namespace {

std::vector<TaskPtr> tasks_of_process_group(TaskTree& tree, CurrentTask& task, int who) {
  const ProcessGroup* group =
      who == 0 ? task.group().links(tree).group.get() : task.task().pid_namespace()->find_group(tree, Pid{who});
  std::vector<TaskPtr> found;
  if (group == nullptr) return found;
  for (ThreadGroup* member : group->members)
    for (const TaskPtr& each : member->links(tree).tasks) found.push_back(each);
  return found;
}

std::vector<TaskPtr> tasks_of_user(TaskTree& tree, CurrentTask& task, int who) {
  const Uid uid = who == 0 ? task.credentials()->real_uid : Uid{static_cast<std::uint32_t>(who)};
  std::vector<TaskPtr> found;
  for (Task* each : task.task().pid_namespace()->tasks(tree)) {
    const CredentialsPtr credentials = each->credentials();
    if (credentials && credentials->real_uid == uid) found.push_back(each->shared_from_this());
  }
  return found;
}

}  // namespace

Result<TaskPtr> sched_target(CurrentTask& task, Pid id) {
  if (raw(id) < 0) return Errno(EINVAL);
  if (raw(id) == 0) return task.task_ptr();
  auto tree = task.kernel().tasks().lock();
  Task* target = task.task().pid_namespace()->find(*tree, id);
  if (target == nullptr) return Errno(ESRCH);
  return target->shared_from_this();
}

Result<std::vector<TaskPtr>> sched_targets(CurrentTask& task, TargetKind kind, int who) {
  if (kind == TargetKind::kTask) {
    const Result<TaskPtr> target = sched_target(task, Pid{who});
    if (!target.ok()) return Errno(ESRCH);
    return std::vector<TaskPtr>{*target};
  }
  auto tree = task.kernel().tasks().lock();
  std::vector<TaskPtr> found =
      kind == TargetKind::kProcessGroup ? tasks_of_process_group(*tree, task, who) : tasks_of_user(*tree, task, who);
  if (found.empty()) return Errno(ESRCH);
  return found;
}

bool may_schedule(CurrentTask& task, Task& target) {
  const CredentialsPtr theirs = target.credentials();
  const Uid own = task.credentials()->effective_uid;
  return !theirs || own == theirs->effective_uid || own == theirs->real_uid || task.capable(CAP_SYS_NICE);
}

bool may_be_nice(CurrentTask& task, Task& target, int nice) {
  const auto needed = static_cast<std::uint64_t>(20 - nice);
  return needed <= target.group()->limits().soft(RLIMIT_NICE) || task.capable(CAP_SYS_NICE);
}

}  // namespace runsc
