#include "boot/fs/proc/process_facts.h"

#include "boot/kernel/process_group.h"
#include "boot/kernel/ptrace.h"
#include "boot/kernel/state_letter.h"
#include "boot/kernel/terminal.h"

namespace runsc {
namespace {

// Groups and sessions bear the id of their first leader, in its namespace. What another namespace calls it is known as
// long as that process lives.
int translate(TaskTree& tree, const PidNamespace& viewer, const PidNamespace& home, Pid id) {
  if (&viewer == &home) return raw(id);
  const Task* const bearer = home.find(tree, id);
  return bearer != nullptr ? raw(bearer->tid(viewer)) : 0;
}

// The ids of `ids` (innermost first) from the viewer's namespace inwards.
std::vector<int> inwards(const Task::Ids& ids, const PidNamespace& viewer) {
  std::vector<int> list;
  for (const auto& [level, id] : ids) {
    list.insert(list.begin(), raw(id));
    if (level.get() == &viewer) break;
  }
  return list;
}

void gather_ids(TaskTree& tree, const ProcessView& view, ProcessFacts& facts) {
  const PidNamespace& viewer = view.viewer();
  ThreadGroup& group = view.group();
  const ThreadGroupLinks& links = group.links(tree);
  facts.tid = raw(view.task->tid(viewer));
  facts.tgid = raw(group.pid(viewer));
  facts.parent = links.parent ? raw(links.parent->pid(viewer)) : 0;
  facts.ns_tids = inwards(view.task->ids(tree), viewer);
  facts.ns_tgids = inwards(group.ids(tree), viewer);
  if (!links.group) return;
  const Session& session = *links.group->session;
  const PidNamespace& home = *session.pid_namespace;
  facts.process_group = translate(tree, viewer, home, links.group->id);
  facts.session = translate(tree, viewer, home, session.id);
  facts.ns_groups.assign(facts.ns_tids.size(), raw(links.group->id));
  facts.ns_sessions.assign(facts.ns_tids.size(), raw(session.id));
  facts.ns_groups.front() = facts.process_group;
  facts.ns_sessions.front() = facts.session;
  if (!session.terminal) return;
  facts.terminal = session.terminal->device();
  if (const auto foreground = session.terminal->foreground(tree))
    facts.terminal_group = translate(tree, viewer, home, foreground->id);
}

void gather_usage(TaskTree& tree, const ProcessView& view, ProcessFacts& facts) {
  const ThreadGroupLinks& links = view.group().links(tree);
  facts.threads = static_cast<int>(links.tasks.size());
  facts.children = links.reaped_children;
  if (!view.whole_process) {
    facts.own = view.task->usage();
    return;
  }
  facts.own = links.ended_tasks;
  for (const TaskPtr& task : links.tasks) facts.own.add(task->usage());
}

void gather_signals(TaskTree& tree, const ProcessView& view, ProcessFacts& facts) {
  const ThreadGroupLinks& links = view.group().links(tree);
  const TaskSignals& own = view.task->signals(tree);
  facts.pending = own.pending.set();
  facts.shared_pending = links.pending.set();
  facts.blocked = own.blocked;
  facts.queued_signals = own.pending.queued() + links.pending.queued();
  if (!links.handlers || links.zombie) return;
  for (int signal = 1; signal <= kSignalCount; ++signal) {
    const SignalAction& action = (*links.handlers)[signal];
    if (is_ignore(action)) {
      facts.ignored.add(signal);
    } else if (!is_default(action)) {
      facts.caught.add(signal);
    }
  }
}

}  // namespace

ProcessFacts gather_facts(const ProcessView& view) {
  ProcessFacts facts;
  auto tree = view.kernel().tasks().lock();
  gather_ids(*tree, view, facts);
  gather_usage(*tree, view, facts);
  gather_signals(*tree, view, facts);
  const ThreadGroupLinks& links = view.group().links(*tree);
  facts.state = state_letter(view.task->state());
  if (const auto& tracing = view.task->links(*tree).tracing) {
    facts.tracer = raw(tracing->tracer->group()->pid(view.viewer()));
    if (tracing->stopped) facts.state = 't';
  }
  facts.exiting = links.exiting || links.zombie;
  facts.forked_without_exec = !links.has_executed;
  facts.exit_signal = view.task.get() == links.leader ? links.exit_signal : -1;
  facts.exit_status = links.exit_status;
  return facts;
}

const char* state_text(char state) {
  switch (state) {
    case 'S':
      return "S (sleeping)";
    case 'T':
      return "T (stopped)";
    case 't':
      return "t (tracing stop)";
    case 'Z':
      return "Z (zombie)";
    default:
      return "R (running)";
  }
}

}  // namespace runsc
