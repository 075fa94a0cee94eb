// Looks after tasks that the kernel does not bring back: a call that has neither ended nor gone to sleep for a minute
// is stuck behind a lock, a host that does not answer, or an endless loop of ours.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "boot/kernel/kernel.h"
#include "boot/kernel/timer_queue.h"

namespace runsc {

// One task, as it was when somebody looked.
struct TaskSample {
  int tid = 0;  // in the root pid namespace
  std::string name;
  Task::Service service;
  bool at_rest = false;  // asleep, stopped, frozen or ended: it waits for something that the application knows about
};

// Counts for how many looks in a row each task has been busy with one and the same thing. For one thread.
class StuckDetector {
 public:
  // A process that did not run for long (its control group frozen, the machine asleep) is looked at once when it comes
  // back; a task that was about to go on has gone on by the next look.
  static constexpr int kPatience = 4;

  // The tasks that have just become stuck: each is named once.
  std::vector<TaskSample> look(const std::vector<TaskSample>& samples);

 private:
  struct Seen {
    std::uint64_t count = 0;
    int looks = 0;
  };
  std::map<int, Seen> seen_;
};

// Warns in the log of tasks that are stuck, from the timers' thread. Everything it is given must outlive it.
class Watchdog {
 public:
  static constexpr std::int64_t kInterval = 15 * kNanosecondsPerSecond;

  explicit Watchdog(Kernel& kernel);

 private:
  void look();

  Kernel& kernel_;
  StuckDetector detector_;  // of the timer's thread
  Timer timer_;
};

std::vector<TaskSample> sample_tasks(Kernel& kernel);

// "read", or "a fault or signal".
std::string service_name(const Task::Service& service);

}  // namespace runsc
