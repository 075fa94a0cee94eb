// getpriority(2), setpriority(2), ioprio_get(2), ioprio_set(2). Values are kept and shown; the host schedules.
#include <sys/resource.h>

#include <algorithm>

#include "boot/syscalls/handlers.h"
#include "boot/syscalls/sched_targets.h"

namespace runsc {
namespace {

constexpr int kLowestNice = -20, kHighestNice = 19;

Result<TargetKind> priority_target(int which) {
  switch (which) {
    case PRIO_PROCESS:
      return TargetKind::kTask;
    case PRIO_PGRP:
      return TargetKind::kProcessGroup;
    case PRIO_USER:
      return TargetKind::kUser;
    default:
      return Errno(EINVAL);
  }
}

Result<void> set_nice(CurrentTask& task, Task& target, int nice) {
  if (!may_schedule(task, target)) return Errno(EPERM);
  if (nice < target.nice.load() && !may_be_nice(task, target, nice)) return Errno(EACCES);
  target.nice.store(nice);
  return {};
}

// linux/ioprio.h: a class above, a level of the class below.
constexpr int kClassShift = 13;
constexpr int kLevelMask = (1 << kClassShift) - 1;
enum class IoClass { kNone, kRealTime, kBestEffort, kIdle };

Result<TargetKind> io_target(int which) {
  switch (which) {
    case 1:  // IOPRIO_WHO_PROCESS
      return TargetKind::kTask;
    case 2:  // IOPRIO_WHO_PGRP
      return TargetKind::kProcessGroup;
    case 3:  // IOPRIO_WHO_USER
      return TargetKind::kUser;
    default:
      return Errno(EINVAL);
  }
}

Result<void> check_io_priority(CurrentTask& task, int priority) {
  constexpr int kLevels = 8;
  const int level = priority & kLevelMask;
  switch (static_cast<IoClass>(priority >> kClassShift)) {
    case IoClass::kRealTime:
      if (!task.capable(CAP_SYS_ADMIN) && !task.capable(CAP_SYS_NICE)) return Errno(EPERM);
      [[fallthrough]];
    case IoClass::kBestEffort:
      if (level >= kLevels) return Errno(EINVAL);
      return {};
    case IoClass::kIdle:
      return {};
    case IoClass::kNone:
      if (level != 0) return Errno(EINVAL);
      return {};
    default:
      return Errno(EINVAL);
  }
}

// Which of two I/O priorities is served first: the lower number, where no class counts as best effort.
int better_io_priority(int a, int b) {
  constexpr int kDefault = static_cast<int>(IoClass::kBestEffort) << kClassShift | 4;
  const auto effective = [](int priority) { return priority >> kClassShift == 0 ? kDefault : priority; };
  return std::min(effective(a), effective(b));
}

}  // namespace

Result<long> sys_getpriority(CurrentTask& task, int which, int who) {
  const std::vector<TaskPtr> targets = TRY(sched_targets(task, TRY(priority_target(which)), who));
  int best = kHighestNice;
  for (const TaskPtr& target : targets) best = std::min(best, target->nice.load());
  return 20 - best;  // never negative: the C library turns it round
}

Result<long> sys_setpriority(CurrentTask& task, int which, int who, int nice) {
  const TargetKind kind = TRY(priority_target(which));
  const std::vector<TaskPtr> targets = TRY(sched_targets(task, kind, who));
  nice = std::clamp(nice, kLowestNice, kHighestNice);
  Result<void> outcome;
  for (const TaskPtr& target : targets) {
    const Result<void> set = set_nice(task, *target, nice);
    if (!set.ok()) outcome = set;
  }
  TRY(outcome);
  return 0;
}

Result<long> sys_ioprio_get(CurrentTask& task, int which, int who) {
  const std::vector<TaskPtr> targets = TRY(sched_targets(task, TRY(io_target(which)), who));
  int best = targets.front()->io_priority.load();
  for (const TaskPtr& target : targets)
    if (target != targets.front()) best = better_io_priority(best, target->io_priority.load());
  return best;
}

Result<long> sys_ioprio_set(CurrentTask& task, int which, int who, int priority) {
  TRY(check_io_priority(task, priority));
  const std::vector<TaskPtr> targets = TRY(sched_targets(task, TRY(io_target(which)), who));
  for (const TaskPtr& target : targets) {
    if (!may_schedule(task, *target)) return Errno(EPERM);
    target->io_priority.store(priority);
  }
  return 0;
}

}  // namespace runsc
