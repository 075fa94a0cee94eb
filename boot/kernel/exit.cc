#include "boot/kernel/exit.h"

#include <algorithm>
#include <csignal>

#include "boot/kernel/control_group.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/ptrace.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/terminal.h"

namespace runsc {
namespace {

// What SIGCHLD tells about the end of `child`.
SignalInfo end_signal(TaskTree& tree, ThreadGroup& child) {
  const ThreadGroupLinks& links = child.links(tree);
  const int status = links.exit_status;
  const bool exited = (status & 0x7f) == 0;
  const int code = exited ? CLD_EXITED : (status & 0x80) != 0 ? CLD_DUMPED : CLD_KILLED;
  return child_signal(tree, child, links.exit_signal, code, exited ? status >> 8 & 0xff : status & 0x7f);
}

// signal(7), wait(2): a parent that ignores SIGCHLD, or set SA_NOCLDWAIT, has no zombies.
bool parent_wants_no_zombies(const ThreadGroupLinks& child, TaskTree& tree) {
  if (child.exit_signal != SIGCHLD) return false;
  const SignalAction& action = (*child.parent->links(tree).handlers)[SIGCHLD];
  return action.handler == reinterpret_cast<std::uint64_t>(SIG_IGN) || (action.flags & SA_NOCLDWAIT) != 0;
}

// Who adopts the children of an ended group: the nearest living subreaper, else the init of the namespace.
ThreadGroupPtr find_reaper(TaskTree& tree, ThreadGroup& ended) {
  if (ended.links(tree).has_subreaper_ancestor) {
    for (ThreadGroupPtr up = ended.links(tree).parent; up; up = up->links(tree).parent) {
      if (up->pid_namespace() != ended.pid_namespace()) break;
      if (up->links(tree).child_subreaper && up->links(tree).living > 0) return up;
    }
  }
  Task* init = ended.pid_namespace()->init(tree);
  if (init != nullptr && init->group().get() != &ended && init->group()->links(tree).living > 0) return init->group();
  return nullptr;
}

void signal_parent_death(TaskTree& tree, ThreadGroup& child) {
  for (const TaskPtr& task : child.links(tree).tasks) {
    const int signal = task->links(tree).parent_death_signal;
    if (signal == 0) continue;
    (void)send_signal_to_group(tree, child, kernel_signal(signal));
  }
}

// The children of a thread that ends while its group lives on, or whose whole group ends.
void release_children(TaskTree& tree, Task& task, bool group_ended) {
  ThreadGroupLinks& links = task.group()->links(tree);
  Task* heir = nullptr;
  for (const TaskPtr& other : links.tasks)
    if (!other->links(tree).exited) heir = other.get();
  for (const ThreadGroupPtr& child : links.children) {
    ThreadGroupLinks& child_links = child->links(tree);
    if (child_links.parent_task != &task && !group_ended) continue;
    if (child_links.parent_task == &task) signal_parent_death(tree, *child);
    child_links.parent_task = heir;
  }
}

void adopt(TaskTree& tree, const ThreadGroupPtr& child, const ThreadGroupPtr& reaper) {
  ThreadGroupLinks& links = child->links(tree);
  links.parent = reaper;
  links.parent_task = reaper ? reaper->links(tree).leader : nullptr;
  if (links.exit_signal != 0) links.exit_signal = SIGCHLD;
  if (reaper) reaper->links(tree).children.push_back(child);
  if (links.zombie && !links.leader->links(tree).tracing) report_to_parent(tree, *child);
}

// POSIX: a stopped process group that lost its last link to its session is woken, or it would sleep for ever. The link
// was `member` with its former parent, if that is in another group of the session.
void wake_if_newly_orphaned(TaskTree& tree, ThreadGroup& member, ThreadGroup* former_parent) {
  const std::shared_ptr<ProcessGroup> group = member.links(tree).group;
  if (!group || former_parent == nullptr) return;
  const std::shared_ptr<ProcessGroup> parents = former_parent->links(tree).group;
  if (!parents || parents == group || parents->session != group->session || !is_orphaned(tree, *group)) return;
  const bool any_stopped = std::any_of(group->members.begin(), group->members.end(),
                                       [&](ThreadGroup* each) { return each->links(tree).stopped; });
  if (!any_stopped) return;
  for (const int signal : {SIGHUP, SIGCONT}) send_signal_to_process_group(tree, *group, kernel_signal(signal));
}

void hand_over_children(TaskTree& tree, ThreadGroup& ended) {
  const std::vector<ThreadGroupPtr> children = std::move(ended.links(tree).children);
  ended.links(tree).children.clear();
  const ThreadGroupPtr reaper = find_reaper(tree, ended);
  for (const ThreadGroupPtr& child : children) adopt(tree, child, reaper);
  for (const ThreadGroupPtr& child : children) wake_if_newly_orphaned(tree, *child, &ended);
}

// An init takes its namespace along (pid_namespaces(7)).
void kill_namespace(TaskTree& tree, ThreadGroup& init) {
  for (Task* task : init.pid_namespace()->tasks(tree))
    if (task->group().get() != &init) kill_group(tree, *task->group(), SIGKILL);
}

bool is_init(TaskTree&, const ThreadGroup& group) { return group.pid() == Pid{1}; }

}  // namespace

void report_to_parent(TaskTree& tree, ThreadGroup& group) {
  ThreadGroupLinks& links = group.links(tree);
  if (!links.parent) {
    reap(tree, group);
    return;
  }
  const ThreadGroupPtr parent = links.parent;
  const bool no_zombie = parent_wants_no_zombies(links, tree);
  if (links.exit_signal != 0) (void)send_signal_to_group(tree, *parent, end_signal(tree, group));
  if (no_zombie) reap(tree, group);
  parent->child_events().notify(POLLIN);
}

void kill_group(TaskTree& tree, ThreadGroup& group, int status) {
  ThreadGroupLinks& links = group.links(tree);
  if (!links.exiting) {
    links.exiting = true;
    links.exit_status = status;
    links.stopped = false;
  }
  for (const TaskPtr& task : links.tasks) {
    if (task->links(tree).exited) continue;
    task->links(tree).killed = true;
    task->interrupt(tree);
  }
}

void remove_task(TaskTree& tree, Task& task) {
  const ThreadGroupPtr group = task.group();
  for (const auto& [level, id] : task.ids(tree)) level->remove(tree, id);
  --tree.task_count;
  group->control_group()->uncharge(tree);
  ThreadGroupLinks& links = group->links(tree);
  if (!task.links(tree).exited) --links.living;
  release_tracees(tree, task);
  forget_tracing(tree, task);
  const bool was_leader = links.leader == &task;
  std::erase_if(links.tasks, [&](const TaskPtr& each) { return each.get() == &task; });
  if (!was_leader) return;
  group->control_group()->remove(tree, *group);
  if (links.group && links.group->session->leader == group.get()) links.group->session->leader = nullptr;
  leave_process_group(tree, *group);
  if (links.parent) std::erase(links.parent->links(tree).children, group);
  links.leader = nullptr;
}

void reap(TaskTree& tree, ThreadGroup& zombie) {
  ThreadGroupLinks& links = zombie.links(tree);
  if (links.parent) {
    Usage& account = links.parent->links(tree).reaped_children;
    account.add(links.ended_tasks);
    account.add(links.reaped_children);
  }
  remove_task(tree, *links.leader);
}

void take_over_leadership(TaskTree& tree, Task& task) {
  ThreadGroupLinks& links = task.group()->links(tree);
  Task& old = *links.leader;
  std::swap(old.ids(tree), task.ids(tree));
  for (const auto& [level, id] : task.ids(tree)) level->add(tree, id, &task);
  for (const auto& [level, id] : old.ids(tree)) level->remove(tree, id);
  links.leader = &task;
  --tree.task_count;
  release_tracees(tree, old);
  forget_tracing(tree, old);
  task.group()->control_group()->uncharge(tree);
  std::erase_if(links.tasks, [&](const TaskPtr& each) { return each.get() == &old; });
}

std::function<void()> finish_task(TaskTree& tree, Task& task, int status, const Usage& usage) {
  const ThreadGroupPtr group = task.group();
  ThreadGroupLinks& links = group->links(tree);
  TaskLinks& own = task.links(tree);
  own.exited = true;
  task.set_state(TaskState::kZombie);
  links.ended_tasks.add(usage);
  group->control_group()->account_ended(tree, usage);
  --links.living;
  // Without exit_group(2) the last thread's status is the process's.
  if (!links.exiting && links.living == 0) links.exit_status = status;
  leave_signals(tree, task);
  const bool group_ended = links.living == 0;
  release_children(tree, task, group_ended);
  if (links.executing != nullptr) links.executing->sleeper().wake();
  release_tracees(tree, task);
  if (links.leader != &task && !report_end_to_tracer(tree, task, links.exiting ? links.exit_status : status))
    remove_task(tree, task);
  if (!group_ended) return {};

  leave_terminal_at_exit(tree, *group);
  links.zombie = true;
  group->set_ended();
  group->control_group()->member_ended(tree);
  if (is_init(tree, *group)) kill_namespace(tree, *group);
  hand_over_children(tree, *group);
  wake_if_newly_orphaned(tree, *group, links.parent.get());
  group->exit_events().notify(POLLIN);
  const bool orphan = links.parent == nullptr;
  const int final_status = links.exit_status;
  if (!report_end_to_tracer(tree, *links.leader, final_status)) report_to_parent(tree, *group);
  Kernel& kernel = group->kernel();
  if (!orphan || !kernel.on_orphan_exit) return {};
  return [&kernel, group, final_status] { kernel.on_orphan_exit(*group, final_status); };
}

}  // namespace runsc
