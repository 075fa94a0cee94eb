// ProcessRef: which process or thread a file of /proc tells about. It does not keep them alive.
#pragma once

#include <memory>

#include "boot/kernel/namespaces.h"
#include "boot/kernel/task.h"

namespace runsc {

class ProcessRef {
 public:
  // /proc/<pid>: whatever thread leads the group at the time of asking.
  static ProcessRef process(const PidNamespacePtr& viewer, const ThreadGroupPtr& group);
  // /proc/<pid>/task/<tid>, and /proc/<tid> of a thread that does not lead (`whole_process`: its files then tell about
  // all threads). Under the tree's lock.
  static ProcessRef thread(const PidNamespacePtr& viewer, const TaskPtr& task, bool whole_process);

  // ESRCH: it was reaped. A zombie is found.
  Result<TaskPtr> task() const;
  // Whether `id` still means the same process or thread.
  bool is_still(Pid id) const;

  bool whole_process() const { return whole_process_; }
  const PidNamespacePtr& viewer() const { return viewer_; }
  ThreadGroupPtr group() const { return group_.lock(); }

 private:
  ProcessRef(const PidNamespacePtr& viewer, const ThreadGroupPtr& group) : viewer_(viewer), group_(group) {}

  PidNamespacePtr viewer_;
  std::weak_ptr<ThreadGroup> group_;
  std::weak_ptr<Task> thread_;
  Pid thread_id_{0};  // 0: the leader
  bool whole_process_ = true;
};

}  // namespace runsc
