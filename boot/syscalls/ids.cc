// Process, group and session ids: getpid(2), getppid(2), gettid(2), setpgid(2), getpgid(2), setsid(2), getsid(2) ...
#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/process_group.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

// The process that `pid` names for the caller; 0 is itself. ESRCH.
Result<ThreadGroup*> find_process(TaskTree& tree, CurrentTask& task, Pid pid) {
  if (raw(pid) == 0) return &task.group();
  Task* found = task.task().pid_namespace()->find(tree, pid);
  if (found == nullptr) return Errno(ESRCH);
  // A zombie leader still stands for its process.
  if (found->links(tree).exited && found->group()->links(tree).leader != found) return Errno(ESRCH);
  return found->group().get();
}

Pid session_id(TaskTree& tree, ThreadGroup& group) {
  const auto& process_group = group.links(tree).group;
  return process_group ? process_group->session->id : Pid{0};
}

Pid group_id(TaskTree& tree, ThreadGroup& group) {
  const auto& process_group = group.links(tree).group;
  return process_group ? process_group->id : Pid{0};
}

}  // namespace

Result<long> sys_getpid(CurrentTask& task) { return raw(task.group().pid()); }

Result<long> sys_gettid(CurrentTask& task) { return raw(task.task().tid()); }

Result<long> sys_getppid(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  const ThreadGroupPtr parent = task.group().links(*tree).parent;
  return parent ? raw(parent->pid(*task.task().pid_namespace())) : 0;
}

Result<long> sys_setsid(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  return raw(TRY(set_session(*tree, task.group())));
}

Result<long> sys_getsid(CurrentTask& task, Pid pid) {
  auto tree = task.kernel().tasks().lock();
  return raw(session_id(*tree, *TRY(find_process(*tree, task, pid))));
}

Result<long> sys_getpgid(CurrentTask& task, Pid pid) {
  auto tree = task.kernel().tasks().lock();
  return raw(group_id(*tree, *TRY(find_process(*tree, task, pid))));
}

Result<long> sys_getpgrp(CurrentTask& task) { return sys_getpgid(task, Pid{0}); }

Result<long> sys_setpgid(CurrentTask& task, Pid pid, Pid group) {
  if (raw(group) < 0) return Errno(EINVAL);
  auto tree = task.kernel().tasks().lock();
  ThreadGroup* target = &task.group();
  if (raw(pid) != 0) {
    Task* found = task.task().pid_namespace()->find(*tree, pid);
    if (found == nullptr) return Errno(ESRCH);
    if (found->group()->links(*tree).leader != found) return Errno(EINVAL);
    target = found->group().get();
  }
  TRY(set_process_group(*tree, task.group(), *target, group));
  return 0;
}

}  // namespace runsc
