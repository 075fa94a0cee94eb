#include "boot/containers/process_list.h"

#include <sys/sysmacros.h>

#include <algorithm>

#include "boot/kernel/process_group.h"
#include "boot/kernel/state_letter.h"
#include "boot/kernel/terminal.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

constexpr std::size_t kLongestArguments = 4096;  // as much as ps(1) ever showed
constexpr unsigned kSlaveMajor = 136;

struct Found {
  control::ProcessInfo info;
  std::shared_ptr<MemoryManager> memory;  // null: a zombie
};

std::string terminal_name(TaskTree&, const ThreadGroupLinks& links) {
  const auto& terminal = links.group ? links.group->session->terminal : nullptr;
  if (!terminal) return {};
  const std::uint64_t device = terminal->device();
  return major(device) == kSlaveMajor ? "pts/" + std::to_string(minor(device)) : std::string("console");
}

Found describe(TaskTree& tree, Kernel& kernel, ThreadGroup& group, const PidNamespace& numbers) {
  const ThreadGroupLinks& links = group.links(tree);
  Task& leader = *links.leader;
  Found found;
  control::ProcessInfo& info = found.info;
  info.pid = raw(group.pid(numbers));
  info.ppid = links.parent ? raw(links.parent->pid(numbers)) : 0;
  info.host_pid = leader.host_tid();
  if (const CredentialsPtr credentials = leader.credentials()) {
    info.uid = raw(credentials->effective_uid);
    info.gid = raw(credentials->effective_gid);
  }
  info.threads = static_cast<std::uint32_t>(std::max(links.living, 0));
  info.start_time = (kernel.boot_time_ns() + leader.start_time_ns()) / kNanosecondsPerSecond;
  Usage usage = links.ended_tasks;
  for (const TaskPtr& task : links.tasks) usage.add(task->usage());
  info.cpu_time = static_cast<std::uint64_t>(std::max<std::int64_t>(usage.user_ns + usage.system_ns, 0));
  info.tty = terminal_name(tree, links);
  info.state = links.zombie ? 'Z' : state_letter(leader.state());
  info.comm = leader.name();
  for (const TaskPtr& task : links.tasks)
    if (!found.memory) found.memory = task->memory();
  return found;
}

std::vector<std::string> read_arguments(MemoryManager& memory) {
  const MemoryManager::Image image = memory.image();
  if (image.args_end <= image.args_start) return {};
  std::string text(std::min<std::uint64_t>(image.args_end - image.args_start, kLongestArguments), '\0');
  const auto count = memory.space().read(image.args_start, std::as_writable_bytes(std::span(text)));
  text.resize(count.ok() ? *count : 0);
  std::vector<std::string> arguments;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\0', at), text.size());
    arguments.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return arguments;
}

}  // namespace

std::vector<control::ProcessInfo> list_processes(Kernel& kernel, ControlGroup& control_group,
                                                 const PidNamespace& numbers) {
  std::vector<Found> found;
  {
    auto tree = kernel.tasks().lock();
    for (ThreadGroup* member : control_group.members(*tree))
      if (member->links(*tree).leader != nullptr) found.push_back(describe(*tree, kernel, *member, numbers));
  }
  std::vector<control::ProcessInfo> list;
  for (Found& each : found) {
    if (each.memory) each.info.args = read_arguments(*each.memory);
    list.push_back(std::move(each.info));
  }
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
  return list;
}

}  // namespace runsc
