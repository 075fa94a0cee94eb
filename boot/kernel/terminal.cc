#include "boot/kernel/terminal.h"

#include "boot/kernel/process_group.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/task.h"
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
  if (group == nullptr || group->session->leader != &caller || group->session->terminal != nullptr) return Errno(EPERM);
  const auto owner = session_.lock();
  if (owner != nullptr && owner->terminal.get() == this) {
    if (!steal) return Errno(EPERM);
    owner->terminal.reset();
  }
  session_ = group->session;
  foreground_id_ = group->id;
  group->session->terminal = shared_from_this();
  return {};
}

Result<std::shared_ptr<ProcessGroup>> Terminal::release(TaskTree& tree, ThreadGroup& caller) {
  if (!controls(tree, caller)) return Errno(ENOTTY);
  const auto session = session_.lock();
  if (session->leader != &caller) return std::shared_ptr<ProcessGroup>();
  auto group = foreground(tree);
  session_.reset();
  foreground_id_ = Pid{};
  session->terminal.reset();  // may be the last reference to this object
  return group;
}

Result<std::shared_ptr<ProcessGroup>> Terminal::foreground(TaskTree& tree, ThreadGroup& caller) const {
  if (!controls(tree, caller)) return Errno(ENOTTY);
  return foreground(tree);
}

Result<void> Terminal::set_foreground(TaskTree& tree, ThreadGroup& caller, Pid id) {
  if (raw(id) < 0) return Errno(EINVAL);
  if (!controls(tree, caller)) return Errno(ENOTTY);
  const auto session = session_.lock();
  if (const ProcessGroup* group = caller.pid_namespace()->find_group(tree, id)) {
    if (group->session != session) return Errno(EPERM);
    foreground_id_ = group->id;
    return {};
  }
  // A process that leads no group yet may be named, as Linux allows: a shell may be faster than its child.
  Task* task = caller.pid_namespace()->find(tree, id);
  if (task == nullptr) return Errno(ESRCH);
  const auto& group = task->group()->links(tree).group;
  if (group == nullptr || group->session != session) return Errno(EPERM);
  foreground_id_ = task->group()->pid(*session->pid_namespace);
  return {};
}

Result<Pid> Terminal::session_id(TaskTree& tree, ThreadGroup& caller) const {
  if (!controls(tree, caller)) return Errno(ENOTTY);
  return session_.lock()->id;
}

Result<Pid> Terminal::session_id(TaskTree&) const {
  const auto session = session_.lock();
  if (session == nullptr || session->terminal.get() != this) return Errno(ENOTTY);
  return session->id;
}

Pid Terminal::foreground_id(TaskTree&) const { return foreground_id_; }

// A foreground group that has ended still is the foreground.
bool Terminal::in_background(TaskTree& tree, ThreadGroup& caller) const {
  if (!controls(tree, caller)) return false;
  return foreground_id_ != Pid{} && caller.links(tree).group->id != foreground_id_;
}

void Terminal::disconnect(TaskTree& tree) {
  const auto session = session_.lock();
  if (session == nullptr || session->terminal.get() != this) return;
  session->former_foreground = foreground(tree);
  foreground_id_ = Pid{};
  session_.reset();
  if (session->leader != nullptr)
    for (const int signal : {SIGHUP, SIGCONT})
      (void)send_signal_to_group(tree, *session->leader, kernel_signal(signal));
  session->terminal.reset();  // may be the last reference to this object
}

std::shared_ptr<ProcessGroup> Terminal::foreground(TaskTree& tree) const {
  const auto session = session_.lock();
  if (session == nullptr || foreground_id_ == Pid{}) return nullptr;
  const ProcessGroup* group = session->pid_namespace->find_group(tree, foreground_id_);
  if (group == nullptr || group->members.empty() || group->session != session) return nullptr;
  return group->members.front()->links(tree).group;
}

Result<FilePtr> Terminal::open(const VfsPath&, OpenFlags) { return Errno(ENXIO); }

void leave_terminal_at_exit(TaskTree& tree, ThreadGroup& ended) {
  const auto& own_group = ended.links(tree).group;
  const std::shared_ptr<Session> session = own_group ? own_group->session : nullptr;
  if (session == nullptr || session->leader != &ended) return;
  if (const std::shared_ptr<Terminal> terminal = session->terminal) {
    const Result<std::shared_ptr<ProcessGroup>> foreground = terminal->release(tree, ended);
    if (foreground.ok() && *foreground) send_signal_to_process_group(tree, **foreground, kernel_signal(SIGHUP));
    return;
  }
  const std::shared_ptr<ProcessGroup> former = session->former_foreground.lock();
  if (former == nullptr) return;
  for (const int signal : {SIGHUP, SIGCONT}) send_signal_to_process_group(tree, *former, kernel_signal(signal));
}

}  // namespace runsc
