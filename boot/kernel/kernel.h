// Kernel: the application kernel of one sandbox, and the start of its threads.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "boot/base/lock.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/futex.h"
#include "boot/kernel/namespaces.h"
#include "boot/kernel/task.h"
#include "boot/kernel/task_tree.h"
#include "boot/platform/platform.h"
#include "boot/syscalls/table.h"

namespace runsc {

class ControlGroup;
class HostConsoles;
class HostPoller;
class SocketServices;
class TimerQueue;

// Thread-safe. Lives until the process ends.
class Kernel {
 public:
  Kernel(Platform& platform, std::unique_ptr<TimerQueue> timers, std::unique_ptr<HostPoller> host_poller);
  ~Kernel();

  Platform& platform() const { return platform_; }
  TaskTreeLock& tasks() { return tasks_; }
  TimerQueue& timers() { return *timers_; }
  HostPoller& host_poller() { return *host_poller_; }
  // Shows every task of the sandbox. Each container has one of its own below it, and no task lives in it.
  const PidNamespacePtr& root_pid_namespace() const { return root_pid_namespace_; }
  // Of tasks that no container has: in tests.
  const std::shared_ptr<ControlGroup>& root_control_group() const { return root_control_group_; }

  // The most tasks that may exist at once in all containers; fork returns EAGAIN beyond.
  std::size_t max_tasks = 32768;
  // The host's processors that are online, one bit each; set before the first task runs. 0: not known.
  std::uint64_t host_processors = 0;
  std::atomic<bool> trace_syscalls = false;  // --strace
  GapCounters gaps;
  // The families of sockets there are (boot/socket/services.h); set before the first task runs. Null: none.
  std::shared_ptr<SocketServices> sockets;
  // Terminals of containers that are shown outside (boot/fs/devpts/host_consoles.h); set before the first task runs.
  std::shared_ptr<HostConsoles> consoles;
  FutexTable futexes;

  // What creates a task: clone(2), and the loader for the first one and for exec.
  struct NewTask {
    ThreadGroupPtr group;   // an existing one for a thread; null: a new group
    ThreadGroupPtr parent;  // of a new group; null: none
    Task* parent_task = nullptr;
    PidNamespacePtr pid_namespace;                // of a new group
    std::shared_ptr<ControlGroup> control_group;  // of a new group; null: the kernel's own
    std::shared_ptr<ProcessGroup> process_group;  // of a new group; null: a new session
    std::shared_ptr<SignalHandlers> handlers;     // of a new group; null: all default
    LimitTable limits;                            // of a new group
    int exit_signal = SIGCHLD;                    // of a new group
    TaskResources resources;
    SignalSet blocked;
  };
  // Makes it visible, with ids; it does not run yet. EAGAIN: max_tasks, the control group's limit, or no id left.
  Result<TaskPtr> create_task(const NewTask& parameters);
  // Runs `current` on a host thread of its own.
  void start(std::unique_ptr<CurrentTask> current);
  // Undoes create_task() for a task that could not start.
  void discard(const TaskPtr& task);

  // Called on the thread of its last task when `group` has ended and nobody will reap it, having no parent (first
  // processes of containers, processes of exec): `status` as in wait4(2).
  std::function<void(ThreadGroup& group, int status)> on_orphan_exit;

  // Waits until no task thread is left.
  void join();

  std::int64_t boot_time_ns() const { return boot_time_ns_; }  // CLOCK_REALTIME at the start
  std::uint64_t next_inode() { return next_inode_.fetch_add(1, std::memory_order_relaxed); }

 private:
  Platform& platform_;
  TaskTreeLock tasks_;
  std::unique_ptr<TimerQueue> timers_;
  std::unique_ptr<HostPoller> host_poller_;
  PidNamespacePtr root_pid_namespace_;
  std::shared_ptr<ControlGroup> root_control_group_;
  std::atomic<int> running_threads_{0};
  std::int64_t boot_time_ns_;
  std::atomic<std::uint64_t> next_inode_{1};
};

}  // namespace runsc
