#include "boot/kernel/task.h"

#include <time.h>

#include "boot/kernel/deadline.h"
#include "boot/platform/platform.h"

namespace runsc {

Task::Task(ThreadGroupPtr group, Ids ids, TaskResources resources)
    : group_(std::move(group)),
      ids_(std::move(ids)),
      resources_(std::move(resources)),
      start_time_ns_(now_ns(CLOCK_BOOTTIME)) {
  calls_watched_ = resources_.lock()->seccomp != nullptr;
}

Task::~Task() = default;

Pid Task::find_id(const Ids& ids, const PidNamespace& viewer) {
  for (const auto& [pid_namespace, id] : ids)
    if (pid_namespace.get() == &viewer) return id;
  return Pid{0};
}

Pid Task::tid(const PidNamespace& viewer) const { return find_id(ids_, viewer); }

Pid Task::tid() const { return ids_.front().second; }

void Task::set_name(std::string_view name) {
  constexpr std::size_t kLongest = 15;
  resources_.lock()->name = name.substr(0, kLongest);
}

void Task::interrupt(TaskTree&) {
  work_.store(true, std::memory_order_seq_cst);
  sleeper_.wake();
  if (context_ != nullptr) context_->kick();
}

Task::Service Task::service() const {
  const std::uint64_t word = service_.load(std::memory_order_relaxed);
  return {word >> kServiceShift, static_cast<int>(word & kServiceCallMask) - 1};
}

Usage Task::usage() const {
  Usage usage;
  const int host_tid = host_tid_.load(std::memory_order_relaxed);
  // The CPU clock of the host process that is this task (clock_getcpuclockid(3): pid in the upper bits, inverted).
  timespec time{};
  if (host_tid > 0 && ::clock_gettime((~static_cast<clockid_t>(host_tid) << 3) | 2, &time) == 0)
    usage.user_ns = to_ns(time);
  timespec own{};
  const clockid_t clock = service_clock_.load(std::memory_order_relaxed);
  if (clock != 0 && ::clock_gettime(clock, &own) == 0) usage.system_ns = to_ns(own);
  return usage;
}

}  // namespace runsc
