// Process groups and sessions (credentials(7), setpgid(2), setsid(2)). Reached with the task tree's lock held.
#pragma once

#include <memory>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/base/result.h"
#include "boot/kernel/namespaces.h"
#include "boot/kernel/task_tree.h"

namespace runsc {

class ProcessGroup;
class Terminal;
class ThreadGroup;

class Session {
 public:
  Session(PidNamespacePtr pid_namespace, Pid id) : pid_namespace(std::move(pid_namespace)), id(id) {}

  const PidNamespacePtr pid_namespace;
  const Pid id;                   // in pid_namespace
  ThreadGroup* leader = nullptr;  // null once it is reaped
  // The controlling terminal (tty_ioctl(4)); it holds the foreground process group.
  std::shared_ptr<Terminal> terminal;
  // The foreground of a terminal that has hung up: when the leader ends, it hears of that.
  std::weak_ptr<ProcessGroup> former_foreground;
};

class ProcessGroup {
 public:
  ProcessGroup(std::shared_ptr<Session> session, Pid id) : session(std::move(session)), id(id) {}

  const std::shared_ptr<Session> session;
  const Pid id;  // in session->pid_namespace
  std::vector<ThreadGroup*> members;
};

// Moves `member` into `group` (out of its present one, which ends when it becomes empty).
void join_process_group(TaskTree& tree, ThreadGroup& member, std::shared_ptr<ProcessGroup> group);
// Takes `member`, which ends, out of its group.
void leave_process_group(TaskTree& tree, ThreadGroup& member);
// A new session with one new process group, both led by and named after `leader`.
void start_session(TaskTree& tree, ThreadGroup& leader);
// A new process group of the leader's session, named after it.
void start_process_group(TaskTree& tree, ThreadGroup& leader);

// setsid(2): EPERM when the caller leads a process group. Returns the session's id.
Result<Pid> set_session(TaskTree& tree, ThreadGroup& caller);
// setpgid(2) of `target` (the caller itself or a child) into group `id`, which the caller's namespace numbers.
Result<void> set_process_group(TaskTree& tree, ThreadGroup& caller, ThreadGroup& target, Pid id);

// Whether no member has a parent in another group of the same session (POSIX): its stop signals have no effect, and it
// is sent SIGHUP and SIGCONT if it becomes so while a member is stopped.
bool is_orphaned(TaskTree& tree, const ProcessGroup& group);

}  // namespace runsc
