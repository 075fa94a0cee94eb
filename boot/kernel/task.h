// Task: one thread of the application, as other threads see it. Its own thread uses CurrentTask (current_task.h).
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "boot/abi/ids.h"
#include "boot/abi/signal.h"
#include "boot/base/lock.h"
#include "boot/kernel/credentials.h"
#include "boot/kernel/namespaces.h"
#include "boot/kernel/signal_state.h"
#include "boot/kernel/task_tree.h"
#include "boot/kernel/thread_group.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

class Context;
class FdTable;
class FsContext;
class Kernel;
class MemoryManager;
struct IpcNamespace;  // boot/ipc/ipc_namespace.h
class SeccompFilters;
struct Tracing;

enum class TaskState { kRunning, kSleeping, kStopped, kZombie };

// What a task shares, or may share, with others. Replaced as a whole by execve, unshare and the exit.
struct TaskResources {
  std::shared_ptr<MemoryManager> memory;
  std::shared_ptr<FdTable> files;
  std::shared_ptr<FsContext> fs;
  CredentialsPtr credentials;
  UtsNamespacePtr uts;
  std::shared_ptr<IpcNamespace> ipc;              // null: it has none (in tests)
  std::string name;                               // comm, at most 15 bytes
  std::shared_ptr<const SeccompFilters> seccomp;  // null: none
};

// What a parent waits for in vfork(2).
struct VforkCompletion {
  std::atomic<bool> done{false};
  WaitQueue queue;

  void complete() {
    done.store(true, std::memory_order_release);
    queue.notify(kAllEvents);
  }
};

// Relations of one task; reached through Task::links(tree).
struct TaskLinks {
  TaskSignals signals;
  bool killed = false;  // must end before it runs application code again
  bool frozen = false;  // stands still because its control group is frozen
  int parent_death_signal = 0;
  bool exited = false;
  // The parent that waits in vfork(2) until this task has execed or ended.
  std::shared_ptr<VforkCompletion> vfork_completion;
  // The host thread still makes calls natively that the task's seccomp filters must see (seccomp_check.h).
  bool guard_requested = false;
  std::shared_ptr<Tracing> tracing;  // ptrace(2), ptrace.h; null: not traced
  std::vector<Task*> tracees;        // whom it traces
};

class Task : public std::enable_shared_from_this<Task> {
 public:
  using Ids = std::vector<std::pair<PidNamespacePtr, Pid>>;  // own namespace first, then its ancestors
  Task(ThreadGroupPtr group, Ids ids, TaskResources resources);
  // The id as `viewer` numbers it; 0 when not visible there.
  static Pid find_id(const Ids& ids, const PidNamespace& viewer);
  ~Task();

  Kernel& kernel() const { return group_->kernel(); }
  // Changes only when execve of another thread makes it the leader (under the tree's lock).
  const ThreadGroupPtr& group() const { return group_; }
  const PidNamespacePtr& pid_namespace() const { return group_->pid_namespace(); }
  // The thread id as `viewer` numbers it; 0 when not visible there. tid(): in its own namespace.
  Pid tid(const PidNamespace& viewer) const;
  Pid tid() const;
  // Of the host's thread that runs it, in the pid namespace of this process; 0: none.
  int host_tid() const { return host_tid_.load(std::memory_order_relaxed); }

  TaskLinks& links(TaskTree&) { return links_; }
  TaskSignals& signals(TaskTree&) { return links_.signals; }
  Ids& ids(TaskTree&) { return ids_; }

  // Consistent copies; null members after the exit.
  TaskResources resources() const { return *resources_.lock(); }
  std::shared_ptr<MemoryManager> memory() const { return resources_.lock()->memory; }
  std::shared_ptr<FdTable> files() const { return resources_.lock()->files; }
  std::shared_ptr<FsContext> fs() const { return resources_.lock()->fs; }
  CredentialsPtr credentials() const { return resources_.lock()->credentials; }
  std::string name() const { return resources_.lock()->name; }
  std::shared_ptr<const SeccompFilters> seccomp() const { return resources_.lock()->seccomp; }
  void set_name(std::string_view name);  // truncated to 15 bytes
  template <typename F>
  void change_resources(F change) {
    auto resources = resources_.lock();
    change(*resources);
  }

  // Makes the task look at its signals, stop or end: wakes it from a sleep of the kernel and from application code.
  // Needs the tree's lock, so that it cannot miss a change.
  void interrupt(TaskTree& tree);
  // Whether it was interrupted and has not looked yet.
  bool has_work() const { return work_.load(std::memory_order_acquire); }
  void clear_work(TaskTree&) { work_.store(false, std::memory_order_release); }
  // As interrupt(), by its own thread, which needs not be woken.
  void note_work(TaskTree&) { work_.store(true, std::memory_order_release); }

  // Whether somebody looks at each of its calls before it is served: seccomp filters, a tracer.
  bool calls_watched() const { return calls_watched_.load(std::memory_order_acquire); }
  void set_calls_watched(TaskTree&, bool watched) { calls_watched_.store(watched, std::memory_order_release); }

  TaskState state() const { return state_.load(std::memory_order_relaxed); }
  void set_state(TaskState state) { state_.store(state, std::memory_order_relaxed); }

  // What its own thread does for the application now; changes with every event. For who looks after threads that do not
  // come back (boot/debug/watchdog.h).
  struct Service {
    static constexpr int kNoCall = -1;  // a fault, a signal
    std::uint64_t count = 0;            // of the events served; 0: none now, application code runs
    int syscall = kNoCall;              // its number
  };
  Service service() const;
  void begin_service(int syscall) {
    service_.store(++services_ << kServiceShift | (static_cast<std::uint32_t>(syscall + 1) & kServiceCallMask),
                   std::memory_order_relaxed);
  }
  void end_service() { service_.store(0, std::memory_order_relaxed); }

  Sleeper& sleeper() { return sleeper_; }
  // Notified (POLLIN) when a signal is queued for the task or its group: signalfd(2).
  WaitQueue& signal_events() { return signal_events_; }

  // The platform's thread; null before the start and after the exit. Set by CurrentTask under the tree's lock.
  void set_context(TaskTree&, Context* context) { context_ = context; }
  Context* context(TaskTree&) const { return context_; }

  // CPU time so far: in application code as user time, in the task's own kernel thread as system time. Zero after the
  // exit, when the group has it (ThreadGroupLinks::ended_tasks).
  Usage usage() const;
  std::int64_t start_time_ns() const { return start_time_ns_; }  // CLOCK_BOOTTIME

  // sched(7), nice(2), ioprio: recorded and reported, the host schedules. Affinity is the Context's, too.
  std::atomic<int> nice{0};
  std::atomic<int> scheduling_policy{0};
  std::atomic<int> scheduling_priority{0};
  std::atomic<int> io_priority{0};
  std::atomic<std::uint64_t> affinity{~0ULL};
  std::atomic<std::int64_t> timer_slack_ns{50'000};
  std::atomic<std::uint32_t> personality{0};
  // Set, under the lock of the futex table, once the ending task has handed on its PI locks: it owns none any more.
  std::atomic<bool> left_futexes{false};

 private:
  friend class CurrentTask;
  ThreadGroupPtr group_;
  Ids ids_;
  TaskLinks links_;
  Guarded<TaskResources, LockLevel::kLeaf> resources_;
  std::atomic<bool> work_{false};
  std::atomic<bool> calls_watched_{false};
  std::atomic<TaskState> state_{TaskState::kRunning};
  static constexpr int kServiceShift = 16;  // numbers of system calls are below; larger ones are shown cut
  static constexpr std::uint32_t kServiceCallMask = (1u << kServiceShift) - 1;
  std::atomic<std::uint64_t> service_{0};
  std::uint64_t services_ = 0;  // of its own thread
  Sleeper sleeper_;
  WaitQueue signal_events_;
  Context* context_ = nullptr;
  std::atomic<int> host_tid_{0};             // of the platform's thread
  std::atomic<clockid_t> service_clock_{0};  // CPU clock of the task thread
  std::int64_t start_time_ns_;
};
using TaskPtr = std::shared_ptr<Task>;

}  // namespace runsc
