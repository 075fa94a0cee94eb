#include "boot/kernel/thread_group.h"

#include <algorithm>

#include "boot/kernel/interval_timers.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/posix_timers.h"
#include "boot/kernel/task.h"

namespace runsc {

void Usage::add(const Usage& other) {
  user_ns += other.user_ns;
  system_ns += other.system_ns;
  max_resident_kib = std::max(max_resident_kib, other.max_resident_kib);
  minor_faults += other.minor_faults;
  major_faults += other.major_faults;
}

rusage Usage::to_rusage() const {
  rusage usage{};
  usage.ru_utime = {user_ns / kNanosecondsPerSecond, user_ns % kNanosecondsPerSecond / 1000};
  usage.ru_stime = {system_ns / kNanosecondsPerSecond, system_ns % kNanosecondsPerSecond / 1000};
  usage.ru_maxrss = max_resident_kib;
  usage.ru_minflt = minor_faults;
  usage.ru_majflt = major_faults;
  return usage;
}

ThreadGroup::ThreadGroup(Kernel& kernel, PidNamespacePtr pid_namespace, std::shared_ptr<ControlGroup> control_group,
                         const LimitTable& limits)
    : kernel_(kernel),
      pid_namespace_(std::move(pid_namespace)),
      control_group_(std::move(control_group)),
      limits_(limits),
      interval_timers_(std::make_unique<IntervalTimers>(*this, kernel.timers())),
      posix_timers_(std::make_unique<PosixTimers>(*this, kernel.timers())) {}

ThreadGroup::~ThreadGroup() = default;

Pid ThreadGroup::pid(const PidNamespace& viewer) const { return Task::find_id(ids_, viewer); }

Pid ThreadGroup::pid() const { return ids_.front().second; }

}  // namespace runsc
