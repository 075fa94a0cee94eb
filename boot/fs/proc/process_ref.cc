#include "boot/fs/proc/process_ref.h"

#include "boot/kernel/kernel.h"

namespace runsc {

ProcessRef ProcessRef::process(const PidNamespacePtr& viewer, const ThreadGroupPtr& group) {
  return ProcessRef(viewer, group);
}

ProcessRef ProcessRef::thread(const PidNamespacePtr& viewer, const TaskPtr& task, bool whole_process) {
  ProcessRef ref(viewer, task->group());
  ref.thread_ = task;
  ref.thread_id_ = task->tid(*viewer);
  ref.whole_process_ = whole_process;
  return ref;
}

Result<TaskPtr> ProcessRef::task() const {
  const ThreadGroupPtr group = group_.lock();
  if (!group) return Errno(ESRCH);
  TaskPtr task = thread_.lock();  // ends after the lock is released
  auto tree = group->kernel().tasks().lock();
  if (raw(thread_id_) != 0) {
    // Another thread's execve may have taken its id, or given it another one.
    if (!task || viewer_->find(*tree, thread_id_) != task.get()) return Errno(ESRCH);
    return task;
  }
  Task* const leader = group->links(*tree).leader;
  if (leader == nullptr) return Errno(ESRCH);
  return leader->shared_from_this();
}

bool ProcessRef::is_still(Pid id) const {
  const Result<TaskPtr> found = task();
  if (!found.ok()) return false;
  auto tree = (*found)->kernel().tasks().lock();
  return viewer_->find(*tree, id) == found->get();
}

}  // namespace runsc
