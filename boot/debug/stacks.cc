#include "boot/debug/stacks.h"

#include <algorithm>
#include <sstream>

#include "boot/base/printable.h"
#include "boot/debug/watchdog.h"
#include "boot/syscalls/table.h"

namespace runsc {
namespace {

const char* state_name(TaskState state) {
  switch (state) {
    case TaskState::kRunning:
      return "running";
    case TaskState::kSleeping:
      return "sleeping";
    case TaskState::kStopped:
      return "stopped";
    case TaskState::kZombie:
      return "zombie";
  }
  return "unknown";
}

}  // namespace

std::string describe_tasks(Kernel& kernel) {
  std::ostringstream out;
  auto tree = kernel.tasks().lock();
  for (Task* task : kernel.root_pid_namespace()->tasks(*tree)) {
    const PidNamespace& root = *kernel.root_pid_namespace();
    out << "pid " << raw(task->group()->pid(root)) << " tid " << raw(task->tid(root)) << " " << printable(task->name())
        << ": " << state_name(task->state());
    if (const Task::Service service = task->service(); service.count != 0) out << " in " << service_name(service);
    out << "\n";
  }
  return out.str() + describe_gaps(kernel);
}

std::string describe_gaps(const Kernel& kernel) {
  std::vector<std::pair<std::uint64_t, std::size_t>> counted;
  for (std::size_t number = 0; number < kSyscallLimit; ++number)
    if (const std::uint64_t count = kernel.gaps.get(number); count != 0) counted.emplace_back(count, number);
  std::sort(counted.rbegin(), counted.rend());
  std::ostringstream out;
  for (const auto& [count, number] : counted) {
    const Syscall* syscall = find_syscall(number);
    out << "unserved: " << (syscall != nullptr ? syscall->name : "unknown") << " (" << number << ") " << count
        << " times: " << (syscall != nullptr ? syscall->note : "no such system call") << "\n";
  }
  return out.str();
}

}  // namespace runsc
