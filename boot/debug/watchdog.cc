#include "boot/debug/watchdog.h"

#include <glog/logging.h>

#include "boot/kernel/deadline.h"
#include "boot/syscalls/table.h"

namespace runsc {
namespace {

bool at_rest(TaskTree& tree, Task& task) {
  return task.state() != TaskState::kRunning || task.links(tree).frozen || task.links(tree).exited;
}

}  // namespace

std::vector<TaskSample> StuckDetector::look(const std::vector<TaskSample>& samples) {
  std::vector<TaskSample> stuck;
  std::map<int, Seen> now;
  for (const TaskSample& sample : samples) {
    if (sample.at_rest || sample.service.count == 0) continue;
    const auto before = seen_.find(sample.tid);
    const bool same = before != seen_.end() && before->second.count == sample.service.count;
    const Seen seen{sample.service.count, same ? before->second.looks + 1 : 1};
    if (seen.looks == kPatience) stuck.push_back(sample);
    now.emplace(sample.tid, seen);
  }
  seen_ = std::move(now);
  return stuck;
}

std::vector<TaskSample> sample_tasks(Kernel& kernel) {
  std::vector<TaskSample> samples;
  auto tree = kernel.tasks().lock();
  const PidNamespace& root = *kernel.root_pid_namespace();
  for (Task* task : kernel.root_pid_namespace()->tasks(*tree))
    samples.push_back({raw(task->tid(root)), task->name(), task->service(), at_rest(*tree, *task)});
  return samples;
}

std::string service_name(const Task::Service& service) {
  if (service.syscall == Task::Service::kNoCall) return "a fault or signal";
  const Syscall* syscall = find_syscall(static_cast<std::uint64_t>(service.syscall));
  return syscall != nullptr ? syscall->name : "system call " + std::to_string(service.syscall);
}

Watchdog::Watchdog(Kernel& kernel) : kernel_(kernel), timer_(kernel.timers(), [this] { look(); }) {
  timer_.arm(Deadline::after(kInterval));
}

void Watchdog::look() {
  for (const TaskSample& task : detector_.look(sample_tasks(kernel_)))
    LOG(WARNING) << "task " << task.tid << " (" << task.name << ") has been stuck in " << service_name(task.service)
                 << " for " << StuckDetector::kPatience * kInterval / kNanosecondsPerSecond
                 << " s: look at `runsc debug --stacks`, and at the stacks of this process on the host";
  timer_.arm(Deadline::after(kInterval));
}

}  // namespace runsc
