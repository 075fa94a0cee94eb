// ControlGroup: the tasks of one container, as cgroups(7) groups them: how many there may be, what they have used, and
// whether they may run (the freezer).
#pragma once

#include <poll.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "boot/kernel/task_tree.h"
#include "boot/kernel/thread_group.h"
#include "boot/kernel/wait_queue.h"
#include "boot/platform/platform.h"

namespace runsc {

// Every thread group of a container is in its control group, from its beginning until it is reaped; children are in
// their parent's. Nothing leaves it: a process that has a session and a pid namespace of its own still belongs to it.
class ControlGroup {
 public:
  static constexpr std::size_t kNoLimit = std::numeric_limits<std::size_t>::max();

  // Tasks, zombies included. Beyond the limit creating one fails with EAGAIN. A new limit below the present count ends
  // nothing.
  std::size_t task_count(TaskTree&) const { return task_count_; }
  std::size_t max_tasks(TaskTree&) const { return max_tasks_; }
  void set_max_tasks(TaskTree&, std::size_t limit) { max_tasks_ = limit; }
  // How often the limit was met ("max" of pids.events).
  std::size_t refused(TaskTree&) const { return refused_; }
  // EAGAIN, which is counted; ESRCH after kill_all().
  Result<void> charge(TaskTree& tree);
  void uncharge(TaskTree& tree);

  void add(TaskTree& tree, ThreadGroup& member) { (void)tree, members_.push_back(&member); }
  void remove(TaskTree& tree, ThreadGroup& member);
  // Oldest first.
  const std::vector<ThreadGroup*>& members(TaskTree&) const { return members_; }

  // CPU time of everything that ever ran in it.
  Usage usage(TaskTree& tree) const;
  void account_ended(TaskTree&, const Usage& usage) { ended_.add(usage); }

  // The freezer: while it is closed no member runs application code, and none can notice that it was closed: unlike
  // SIGSTOP it is no signal, wakes no parent, and interrupts no system call. A task that runs application code stops
  // before its next instruction; one that is in a system call stops at its end. SIGKILL ends frozen tasks.
  bool frozen(TaskTree&) const { return frozen_; }
  void freeze(TaskTree& tree);
  void thaw(TaskTree& tree);
  // Whether no member is on its way to stand still: each is frozen, sleeps in a system call, is stopped, or has ended.
  bool at_rest(TaskTree& tree) const;

  // SIGKILL for every member. From now on nobody can create another one.
  void kill_all(TaskTree& tree);

  // Whether no member lives. Zombies do not count: their parent may be of another group, and never wait for them.
  bool ended(TaskTree& tree) const;
  // A member has become a zombie, or was taken back before it began.
  void member_ended(TaskTree&) { events_.notify(POLLIN); }
  // Notified when a member has ended, with the task tree's lock held.
  WaitQueue& events() { return events_; }

  // What sysinfo(2) and /proc/meminfo show as the memory there is at most, in bytes; 0: the host's.
  std::atomic<std::uint64_t> shown_memory{0};

  // What /sys/fs/cgroup shows of the limits that the host keeps. Microseconds, bytes; -1: none.
  struct ShownLimits {
    std::atomic<std::int64_t> cpu_quota{-1};
    std::atomic<std::int64_t> cpu_period{100000};
    std::atomic<std::int64_t> cpu_shares{1024};
    std::atomic<std::int64_t> memory_swap{-1};
    std::atomic<std::int64_t> memory_reservation{-1};
  };
  ShownLimits shown_limits;

  // Where the host processes of its tasks come from; none: where all others do. Set before its first task exists. Its
  // container owns it, since zombies can keep this group for longer than the container lives.
  std::weak_ptr<Platform::Birthplace> birthplace;

  // Shared anonymous memory of the container (boot/syscalls/shared_mapping.h).
  std::atomic<std::int64_t> packed_shared_bytes{0};
  std::atomic<std::int64_t> shared_descriptors{0};

 private:
  std::vector<ThreadGroup*> members_;
  std::size_t task_count_ = 0;
  std::size_t max_tasks_ = kNoLimit;
  std::size_t refused_ = 0;
  bool frozen_ = false;
  bool closed_ = false;
  Usage ended_;
  WaitQueue events_;
};

}  // namespace runsc
