// ThreadGroup: what Linux calls a process.
#pragma once

#include <sys/resource.h>

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/abi/signal.h"
#include "boot/kernel/limits.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/signal_state.h"
#include "boot/kernel/task_tree.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

class ControlGroup;
class IntervalTimers;
class Kernel;
class PosixTimers;
class Task;

// CPU time and counters of tasks that have ended, or of reaped children (getrusage(2)).
struct Usage {
  std::int64_t user_ns = 0;
  std::int64_t system_ns = 0;
  std::int64_t max_resident_kib = 0;
  std::int64_t minor_faults = 0;
  std::int64_t major_faults = 0;
  void add(const Usage& other);
  rusage to_rusage() const;
};

// Relations of one thread group; reached through ThreadGroup::links(tree).
struct ThreadGroupLinks {
  // Living and exiting ones; the leader stays, as a zombie, until the group is reaped. This is what owns a task.
  std::vector<std::shared_ptr<Task>> tasks;
  Task* leader = nullptr;
  int living = 0;                       // tasks that have not ended
  std::shared_ptr<ThreadGroup> parent;  // null for the init of the root pid namespace
  Task* parent_task = nullptr;          // the thread that created it, for __WNOTHREAD and PDEATHSIG; null once it ended
  std::vector<std::shared_ptr<ThreadGroup>> children;
  std::shared_ptr<ProcessGroup> group;
  bool child_subreaper = false;
  bool has_subreaper_ancestor = false;
  bool has_executed = false;  // setpgid(2): EACCES after execve

  // Exit.
  bool exiting = false;       // exit_group, a fatal signal, or execve by another thread
  Task* executing = nullptr;  // the thread that survives when execve ends the others
  int exit_status = 0;        // as wait4(2) encodes it; valid once `exiting` or the last task ended
  bool zombie = false;        // all tasks ended; waits for its parent
  int exit_signal = SIGCHLD;  // what the parent gets; 0: nothing, and only __WALL or __WCLONE waits see it
  Usage ended_tasks;          // of this group
  Usage reaped_children;

  // Job control.
  bool stopped = false;        // all tasks shall stand still
  int stop_signal = 0;         // valid while stopped
  bool stop_complete = false;  // all tasks do stand still, and the parent was told
  bool stop_reported = true;   // false while a complete stop has not been waited for
  bool continue_reported = true;

  // Signals.
  PendingSignals pending;  // sent to the process
  std::shared_ptr<SignalHandlers> handlers;
};

class ThreadGroup : public std::enable_shared_from_this<ThreadGroup> {
 public:
  ThreadGroup(Kernel& kernel, PidNamespacePtr pid_namespace, std::shared_ptr<ControlGroup> control_group,
              const LimitTable& limits);
  ~ThreadGroup();

  Kernel& kernel() const { return kernel_; }
  const PidNamespacePtr& pid_namespace() const { return pid_namespace_; }
  // The container that it belongs to.
  const std::shared_ptr<ControlGroup>& control_group() const { return control_group_; }
  // The leader's id as `viewer` numbers it; 0 when it is not visible there.
  Pid pid(const PidNamespace& viewer) const;
  // In its own namespace.
  Pid pid() const;

  ThreadGroupLinks& links(TaskTree&) { return links_; }

  Limits& limits() { return limits_; }
  // Notified (POLLIN) when a child changes state.
  WaitQueue& child_events() { return child_events_; }
  // Notified (POLLIN) when this group has ended: pidfds.
  WaitQueue& exit_events() { return exit_events_; }
  bool ended() const { return ended_.load(std::memory_order_acquire); }
  void set_ended() { ended_.store(true, std::memory_order_release); }

  IntervalTimers& interval_timers() { return *interval_timers_; }
  PosixTimers& posix_timers() { return *posix_timers_; }

  // The leader's ids, own namespace first. Under the tree's lock.
  using Ids = std::vector<std::pair<PidNamespacePtr, Pid>>;
  Ids& ids(TaskTree&) { return ids_; }

  // prctl(2) PR_SET_DUMPABLE; oom_score_adj of proc(5), and what the last one with CAP_SYS_RESOURCE has set, below
  // which nobody else comes.
  std::atomic<int> dumpable{1};
  std::atomic<int> oom_score_adj{0};
  std::atomic<int> oom_score_adj_min{0};

 private:
  friend class Task;
  Kernel& kernel_;
  PidNamespacePtr pid_namespace_;
  const std::shared_ptr<ControlGroup> control_group_;
  ThreadGroupLinks links_;
  Limits limits_;
  WaitQueue child_events_;
  WaitQueue exit_events_;
  std::atomic<bool> ended_{false};
  Ids ids_;  // never changes: a new leader takes the old one's
  std::unique_ptr<IntervalTimers> interval_timers_;
  std::unique_ptr<PosixTimers> posix_timers_;
};
using ThreadGroupPtr = std::shared_ptr<ThreadGroup>;

}  // namespace runsc
