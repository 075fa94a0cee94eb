// timer_create(2) and its relatives: the POSIX timers of one process.
//
// As on Linux, a periodic timer starts its next period when its signal is taken, and the expirations missed meanwhile
// are the overrun count; so a timer has at most one signal queued, and a tiny period does not occupy the timer thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "boot/abi/signal.h"
#include "boot/base/result.h"
#include "boot/kernel/interval_timers.h"
#include "boot/kernel/task_tree.h"
#include "boot/kernel/timer_queue.h"

namespace runsc {

class Task;
class ThreadGroup;

// What a timer counts: a wall or monotonic clock, or the CPU time of a process or thread.
struct TimerClock {
  // CLOCK_REALTIME, _MONOTONIC, _BOOTTIME, _TAI, or CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID.
  clockid_t id = CLOCK_MONOTONIC;
  std::weak_ptr<ThreadGroup> process;  // of CLOCK_PROCESS_CPUTIME_ID
  std::weak_ptr<Task> thread;          // of CLOCK_THREAD_CPUTIME_ID
  bool user_time_only = false;         // CPU clocks of the VIRT kind

  bool is_cpu_clock() const { return id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID; }
};

// Nanoseconds on the clock. ESRCH: its process or thread is gone.
Result<std::int64_t> read_clock(TaskTree& tree, const TimerClock& clock);

// Who hears of an expiration (sigevent(7)).
struct TimerEvent {
  int notify = 0;  // SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD_ID
  int signal = 0;
  std::uint64_t value = 0;
  std::weak_ptr<Task> thread;  // of SIGEV_THREAD_ID
};

class PosixTimers {
 public:
  PosixTimers(ThreadGroup& group, TimerQueue& queue);
  ~PosixTimers();

  // Returns the timer's id. EAGAIN: too many signals are reserved (RLIMIT_SIGPENDING). `event.value` is replaced by the
  // id when `value_is_id` is set (timer_create(2) with a null sigevent).
  Result<int> create(TaskTree& tree, const TimerClock& clock, TimerEvent event, bool value_is_id);
  // EINVAL, as below: no such timer.
  Result<IntervalSetting> get(TaskTree& tree, int id);
  // Returns the old setting. `absolute`: setting.remaining is a time on the clock (TIMER_ABSTIME).
  Result<IntervalSetting> set(TaskTree& tree, int id, const IntervalSetting& setting, bool absolute);
  Result<int> overrun(TaskTree& tree, int id);
  Result<void> remove(TaskTree& tree, int id);
  // execve(2).
  void clear(TaskTree& tree);

  // A signal of code SI_TIMER was taken from a queue: sets its overrun count and starts the timer's next period.
  void signal_taken(TaskTree& tree, SignalInfo& info);

 private:
  struct Entry;
  std::shared_ptr<Entry> find(int id) const;
  void expired(const std::weak_ptr<Entry>& entry);
  void fire(TaskTree& tree, Entry& entry, std::int64_t now);
  void arm(TaskTree& tree, Entry& entry);
  IntervalSetting setting_of(TaskTree& tree, const Entry& entry) const;
  void forget_signal(TaskTree& tree, Entry& entry);

  // All state is guarded by the tree's lock.
  ThreadGroup& group_;
  TimerQueue& queue_;
  std::map<int, std::shared_ptr<Entry>> timers_;
  int next_id_ = 0;
  std::int32_t next_generation_ = 1;
};

}  // namespace runsc
