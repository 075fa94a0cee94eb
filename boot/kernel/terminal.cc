#include "boot/kernel/terminal.h"

#include "boot/kernel/process_group.h"
#include "boot/kernel/thread_group.h"

namespace runsc {

bool Terminal::controls(TaskTree& tree, ThreadGroup& caller) const {
  const auto session = session_.lock();
  const auto& group = caller.links(tree).group;
  return session != nullptr && group != nullptr && group->session == session && session->terminal.get() == this;
}

Result<void> Terminal::acquire(TaskTree& tree, ThreadGroup& caller, bool steal) {
  const auto& group = caller.links(tree).group;
  if (controls(tree, caller)) return {};
  if (group == nullptr || group->session->leader != &caller || group->session->terminal != nullptr)
    return Errno(EPERM);
  const auto owner = session_.lock();
  if (owner != nullptr && owner->terminal.get() == this) {
    if (!steal) return Errno(EPERM);
    owner->terminal.reset();
  }
  session_ = group->session;
  foreground_ = group;
  group->session->terminal = shared_from_this();
  return {};
}

Result<std::shared_ptr<ProcessGroup>> Terminal::release(TaskTree& tree, ThreadGroup& caller) {
  if (!controls(tree, caller)) return Errno(ENOTTY);
  const auto session = session_.lock();
  if (session->leader != &caller) return std::shared_ptr<ProcessGroup>();
  auto group = foreground_.lock();
  session->terminal.reset();
  session_.reset();
  foreground_.reset();
  return group;
}

Result<std::shared_ptr<ProcessGroup>> Terminal::foreground(TaskTree& tree, ThreadGroup& caller) const {
  if (!controls(tree, caller)) return Errno(ENOTTY);
  return foreground_.lock();
}

Result<void> Terminal::set_foreground(TaskTree& tree, ThreadGroup& caller, Pid id) {
  if (raw(id) < 0) return Errno(EINVAL);
  if (!controls(tree, caller)) return Errno(ENOTTY);
  ProcessGroup* group = caller.pid_namespace()->find_group(tree, id);
  if (group == nullptr || group->members.empty()) return Errno(ESRCH);
  if (group->session != session_.lock()) return Errno(EPERM);
  foreground_ = group->members.front()->links(tree).group;
  return {};
}

Result<Pid> Terminal::session_id(TaskTree& tree, ThreadGroup& caller) const {
  if (!controls(tree, caller)) return Errno(ENOTTY);
  return session_.lock()->id;
}

bool Terminal::in_background(TaskTree& tree, ThreadGroup& caller) const {
  if (!controls(tree, caller)) return false;
  const auto group = foreground_.lock();
  return group != nullptr && caller.links(tree).group != group;
}

std::shared_ptr<ProcessGroup> Terminal::foreground(TaskTree&) const { return foreground_.lock(); }

}  // namespace runsc
