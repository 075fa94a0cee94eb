#include "boot/kernel/process_group.h"

#include <algorithm>

#include "boot/kernel/thread_group.h"

namespace runsc {

void leave_process_group(TaskTree& tree, ThreadGroup& member) {
  const std::shared_ptr<ProcessGroup> group = std::move(member.links(tree).group);
  if (!group) return;
  std::erase(group->members, &member);
  if (group->members.empty()) group->session->pid_namespace->remove_group(tree, group->id);
}

void join_process_group(TaskTree& tree, ThreadGroup& member, std::shared_ptr<ProcessGroup> group) {
  leave_process_group(tree, member);
  group->members.push_back(&member);
  member.links(tree).group = std::move(group);
}

void start_session(TaskTree& tree, ThreadGroup& leader) {
  const Pid id = leader.pid();
  auto session = std::make_shared<Session>(leader.pid_namespace(), id);
  session->leader = &leader;
  auto group = std::make_shared<ProcessGroup>(session, id);
  leader.pid_namespace()->add_group(tree, id, group.get());
  join_process_group(tree, leader, std::move(group));
}

void start_process_group(TaskTree& tree, ThreadGroup& leader) {
  const std::shared_ptr<Session> session = leader.links(tree).group->session;
  const Pid id = leader.pid(*session->pid_namespace);
  auto group = std::make_shared<ProcessGroup>(session, id);
  session->pid_namespace->add_group(tree, id, group.get());
  join_process_group(tree, leader, std::move(group));
}

Result<Pid> set_session(TaskTree& tree, ThreadGroup& caller) {
  const Pid id = caller.pid();
  if (caller.pid_namespace()->find_group(tree, id) != nullptr) return Errno(EPERM);
  start_session(tree, caller);
  return id;
}

Result<void> set_process_group(TaskTree& tree, ThreadGroup& caller, ThreadGroup& target, Pid id) {
  ThreadGroupLinks& links = target.links(tree);
  if (&target != &caller) {
    if (links.parent.get() != &caller) return Errno(ESRCH);
    if (links.group->session != caller.links(tree).group->session) return Errno(EPERM);
    if (links.has_executed) return Errno(EACCES);
  }
  if (links.group->session->leader == &target) return Errno(EPERM);
  const Pid own_id = target.pid(*caller.pid_namespace());
  if (raw(id) == 0) id = own_id;
  if (links.group->id == id && links.group->session->pid_namespace == caller.pid_namespace()) return {};
  if (id == own_id) {
    start_process_group(tree, target);
    return {};
  }
  ProcessGroup* group = caller.pid_namespace()->find_group(tree, id);
  if (group == nullptr || group->session != links.group->session) return Errno(EPERM);
  join_process_group(tree, target, group->members.front()->links(tree).group);
  return {};
}

bool is_orphaned(TaskTree& tree, const ProcessGroup& group) {
  return std::none_of(group.members.begin(), group.members.end(), [&](ThreadGroup* member) {
    const ThreadGroupLinks& links = member->links(tree);
    if (links.zombie || !links.parent) return false;
    const auto& parent_group = links.parent->links(tree).group;
    return parent_group && parent_group.get() != &group && parent_group->session == group.session;
  });
}

}  // namespace runsc
