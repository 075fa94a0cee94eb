#include "boot/kernel/job_control.h"

#include <algorithm>

#include "boot/kernel/signal_send.h"

namespace runsc {
namespace {

void tell_parent(TaskTree& tree, ThreadGroup& group, int code, int status) {
  const ThreadGroupPtr parent = group.links(tree).parent;
  if (!parent) return;
  const SignalAction& action = (*parent->links(tree).handlers)[SIGCHLD];
  if (!is_ignore(action) && (action.flags & SA_NOCLDSTOP) == 0)
    (void)send_signal_to_group(tree, *parent, child_signal(tree, group, SIGCHLD, code, status));
  parent->child_events().notify(POLLIN);
}

bool all_stand_still(TaskTree& tree, const ThreadGroupLinks& links) {
  return std::all_of(links.tasks.begin(), links.tasks.end(), [&](const auto& task) {
    return task->links(tree).exited || task->links(tree).killed || task->state() == TaskState::kStopped;
  });
}

void interrupt_all(TaskTree& tree, const ThreadGroupLinks& links) {
  for (const auto& task : links.tasks)
    if (!task->links(tree).exited) task->interrupt(tree);
}

}  // namespace

void begin_stop(TaskTree& tree, ThreadGroup& group, int signal) {
  ThreadGroupLinks& links = group.links(tree);
  if (links.exiting || links.stopped) return;
  links.stopped = true;
  links.stop_signal = signal;
  links.stop_complete = false;
  links.stop_reported = true;
  links.continue_reported = true;
  interrupt_all(tree, links);
}

void note_stopped(TaskTree& tree, ThreadGroup& group) {
  ThreadGroupLinks& links = group.links(tree);
  if (!links.stopped || links.stop_complete || links.exiting || !all_stand_still(tree, links)) return;
  links.stop_complete = true;
  links.stop_reported = false;
  tell_parent(tree, group, CLD_STOPPED, links.stop_signal);
}

void continue_group(TaskTree& tree, ThreadGroup& group) {
  ThreadGroupLinks& links = group.links(tree);
  if (!links.stopped) return;
  links.stopped = false;
  links.stop_reported = true;
  links.continue_reported = false;
  interrupt_all(tree, links);
  // A stop that SIGCONT overtakes is reported as done: its SIGCHLD would come first and swallow the other.
  if (links.stop_complete) {
    tell_parent(tree, group, CLD_CONTINUED, SIGCONT);
  } else {
    tell_parent(tree, group, CLD_STOPPED, links.stop_signal);
  }
  links.stop_complete = false;
}

}  // namespace runsc
