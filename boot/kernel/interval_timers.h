// setitimer(2) and alarm(2), and RLIMIT_CPU: the timers that each process has.
#pragma once

#include <sys/time.h>

#include <cstdint>
#include <memory>

#include "boot/base/result.h"
#include "boot/kernel/task_tree.h"
#include "boot/kernel/timer_queue.h"

namespace runsc {

class ThreadGroup;

// Nanoseconds; zero means disarmed or one shot.
struct IntervalSetting {
  std::int64_t remaining = 0;
  std::int64_t interval = 0;
};

// CPU time of a process so far, ended threads included.
struct CpuTime {
  std::int64_t user_ns = 0;
  std::int64_t system_ns = 0;
  std::int64_t total() const { return user_ns + system_ns; }
};
CpuTime cpu_time(TaskTree& tree, ThreadGroup& group);

// When to look again at a CPU clock that has `remaining` nanoseconds to go: CPU clocks do not wake anybody, so timers
// on them are sampled, at least as often as the clock could get there with all processors of the host busy.
Deadline next_cpu_sample(std::int64_t remaining);

class IntervalTimers {
 public:
  IntervalTimers(ThreadGroup& group, TimerQueue& queue);
  ~IntervalTimers();

  // `which`: ITIMER_REAL, ITIMER_VIRTUAL or ITIMER_PROF, checked by the caller. set() returns the old setting.
  IntervalSetting get(TaskTree& tree, int which);
  IntervalSetting set(TaskTree& tree, int which, const IntervalSetting& setting);

  // The signal of ITIMER_REAL was taken: the next period begins. (Not at its expiry: an interval shorter than the
  // process needs to handle it must not occupy the timer thread.)
  void real_signal_taken(TaskTree& tree);

  // RLIMIT_CPU was set: from now on SIGXCPU is sent each second beyond the soft limit, SIGKILL at the hard one.
  void cpu_limit_changed(TaskTree& tree);

 private:
  struct CpuTimer {
    std::int64_t expires = 0;  // on its CPU clock; 0: disarmed
    std::int64_t interval = 0;
  };
  void real_expired();
  void sample();
  void sample(TaskTree& tree);
  void check_cpu_timer(TaskTree& tree, CpuTimer& timer, std::int64_t now, int signal);
  void check_cpu_limit(TaskTree& tree, std::int64_t now);
  void arm_sampler(TaskTree& tree);
  void read_cpu_limit();
  CpuTimer& cpu_timer(int which) { return which == ITIMER_VIRTUAL ? virtual_ : profile_; }

  // All state is guarded by the tree's lock.
  ThreadGroup& group_;
  std::int64_t real_expires_ = 0;  // CLOCK_MONOTONIC; 0: disarmed
  std::int64_t real_interval_ = 0;
  CpuTimer virtual_, profile_;
  std::int64_t next_cpu_warning_ = 0;  // CPU time at which RLIMIT_CPU is looked at; 0: no limit
  Timer real_;
  Timer sampler_;
};

}  // namespace runsc
