#include "boot/kernel/namespaces.h"

namespace runsc {

Result<Pid> PidNamespace::allocate(TaskTree&) {
  for (int tries = 0; tries < kPidMax; ++tries) {
    last_ = last_ + 1 < kPidMax ? last_ + 1 : 300;  // Linux keeps the low ids for the first processes after a wrap
    const Pid id{last_};
    if (!tasks_.contains(id) && !groups_.contains(id)) return id;
  }
  return Errno(EAGAIN);
}

void PidNamespace::add(TaskTree&, Pid id, Task* task) { tasks_[id] = task; }

void PidNamespace::remove(TaskTree&, Pid id) { tasks_.erase(id); }

Task* PidNamespace::find(TaskTree&, Pid id) const {
  const auto it = tasks_.find(id);
  return it != tasks_.end() ? it->second : nullptr;
}

std::vector<Task*> PidNamespace::tasks(TaskTree&) const {
  std::vector<Task*> tasks;
  tasks.reserve(tasks_.size());
  for (const auto& [id, task] : tasks_) tasks.push_back(task);
  return tasks;
}

std::size_t PidNamespace::size(TaskTree&) const { return tasks_.size(); }

Task* PidNamespace::init(TaskTree& tree) const { return find(tree, Pid{1}); }

void PidNamespace::add_group(TaskTree&, Pid id, ProcessGroup* group) { groups_[id] = group; }

void PidNamespace::remove_group(TaskTree&, Pid id) { groups_.erase(id); }

ProcessGroup* PidNamespace::find_group(TaskTree&, Pid id) const {
  const auto it = groups_.find(id);
  return it != groups_.end() ? it->second : nullptr;
}

}  // namespace runsc
