#include "boot/kernel/control_group.h"

#include <algorithm>
#include <csignal>

#include "boot/kernel/exit.h"
#include "boot/kernel/task.h"
#include "boot/platform/platform.h"

namespace runsc {
namespace {

template <typename F>
void for_each_task(TaskTree& tree, const std::vector<ThreadGroup*>& members, F visit) {
  for (ThreadGroup* member : members)
    for (const TaskPtr& task : member->links(tree).tasks) visit(*task);
}

bool rests(TaskTree& tree, Task& task) {
  const TaskLinks& links = task.links(tree);
  return links.exited || links.frozen || task.state() == TaskState::kSleeping || task.state() == TaskState::kStopped;
}

}  // namespace

Result<void> ControlGroup::charge(TaskTree&) {
  if (closed_) return Errno(ESRCH);
  if (task_count_ >= max_tasks_) {
    ++refused_;
    return Errno(EAGAIN);
  }
  ++task_count_;
  return {};
}

void ControlGroup::uncharge(TaskTree&) { --task_count_; }

void ControlGroup::remove(TaskTree& tree, ThreadGroup& member) {
  std::erase(members_, &member);
  if (!member.links(tree).zombie) member_ended(tree);
}

bool ControlGroup::ended(TaskTree& tree) const {
  return std::all_of(members_.begin(), members_.end(), [&](ThreadGroup* member) { return member->links(tree).zombie; });
}

Usage ControlGroup::usage(TaskTree& tree) const {
  Usage sum = ended_;
  for_each_task(tree, members_, [&](Task& task) { sum.add(task.usage()); });
  return sum;
}

// The platform stops a thread of the application at once, and one that is being served when its call is done: exactly
// what is wanted. The sleepers of the kernel are left alone.
void ControlGroup::freeze(TaskTree& tree) {
  frozen_ = true;
  for_each_task(tree, members_, [&](Task& task) {
    if (Context* const context = task.context(tree)) context->kick();
  });
}

void ControlGroup::thaw(TaskTree& tree) {
  frozen_ = false;
  for_each_task(tree, members_, [&](Task& task) {
    if (task.links(tree).frozen) task.sleeper().wake();
  });
}

bool ControlGroup::at_rest(TaskTree& tree) const {
  bool all = true;
  for_each_task(tree, members_, [&](Task& task) { all = all && rests(tree, task); });
  return all;
}

void ControlGroup::kill_all(TaskTree& tree) {
  closed_ = true;
  // A copy: groups that nobody waits for disappear meanwhile.
  for (ThreadGroup* member : std::vector<ThreadGroup*>(members_)) kill_group(tree, *member, SIGKILL);
}

}  // namespace runsc
