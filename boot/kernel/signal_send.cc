#include "boot/kernel/signal_send.h"

#include <algorithm>

#include "boot/kernel/current_task.h"
#include "boot/kernel/exit.h"
#include "boot/kernel/interval_timers.h"
#include "boot/kernel/job_control.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/posix_timers.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/ptrace.h"

namespace runsc {
namespace {

constexpr std::int64_t kNanosecondsPerTick = 10'000'000;  // of clock_t

const SignalAction& action_of(TaskTree& tree, const Task& task, int signal) {
  return (*task.group()->links(tree).handlers)[signal];
}

bool ignored_by_default(int signal) {
  const DefaultAction action = default_action(signal);
  return action == DefaultAction::kIgnore || action == DefaultAction::kContinue;
}

bool is_ignored(TaskTree& tree, Task& task, int signal, SignalOrigin origin) {
  // Before a blocked signal is unblocked its handler may change; and a tracer sees what is ignored, too.
  if (task.signals(tree).blocked.contains(signal)) return false;
  if (task.links(tree).tracing && signal != SIGKILL) return false;
  const SignalAction& action = action_of(tree, task, signal);
  if (!is_default(action)) return is_ignore(action);
  const bool reaches_inits = origin == SignalOrigin::kOutside && kUnblockable.contains(signal);
  if (!reaches_inits && is_namespace_init(tree, *task.group())) return true;
  return ignored_by_default(signal);
}

// What sending alone does. False: the signal is dropped.
bool prepare(TaskTree& tree, Task& task, int signal, SignalOrigin origin) {
  ThreadGroup& group = *task.group();
  const ThreadGroupLinks& links = group.links(tree);
  if (links.exiting || links.zombie) return false;
  if (kStopSignals.contains(signal)) {
    discard_pending(tree, group, SignalSet::of(SIGCONT));
  } else if (signal == SIGCONT) {
    discard_pending(tree, group, kStopSignals);
    continue_group(tree, group);
  }
  return !is_ignored(tree, task, signal, origin);
}

// Whether the thread would take the signal soon.
bool wants(TaskTree& tree, Task& task, int signal) {
  const TaskLinks& links = task.links(tree);
  if (links.exited || links.killed) return false;
  if (signal == SIGKILL) return true;
  if (links.signals.blocked.contains(signal) && !links.signals.waiting_for.contains(signal)) return false;
  return !task.group()->links(tree).stopped;
}

// Whether the signal ends the process for certain and leaves no core to write.
bool is_fatal(TaskTree& tree, Task& task, int signal) {
  return is_default(action_of(tree, task, signal)) && default_action(signal) == DefaultAction::kTerminate &&
         !task.signals(tree).blocked.contains(signal) && (signal == SIGKILL || !task.links(tree).tracing);
}

void wake_for(TaskTree& tree, Task& task, int signal) {
  if (is_fatal(tree, task, signal)) {
    kill_group(tree, *task.group(), signal);
  } else {
    task.interrupt(tree);
  }
}

Task* choose_thread(TaskTree& tree, ThreadGroup& group, Task& preferred, int signal) {
  if (wants(tree, preferred, signal)) return &preferred;
  for (const auto& task : group.links(tree).tasks)
    if (wants(tree, *task, signal)) return &*task;
  return nullptr;
}

// The signal is in the queue of `task`.
void complete(TaskTree& tree, Task& task, int signal) {
  task.signal_events().notify(POLLIN);
  if (wants(tree, task, signal)) wake_for(tree, task, signal);
}

// The signal is in the queue of the group.
void complete_for_group(TaskTree& tree, ThreadGroup& group, Task& preferred, int signal) {
  for (const auto& task : group.links(tree).tasks) task->signal_events().notify(POLLIN);
  Task* chosen = choose_thread(tree, group, preferred, signal);
  if (chosen != nullptr) wake_for(tree, *chosen, signal);
}

// What RLIMIT_SIGPENDING leaves for `queue` beside the other queues of its group. (Linux counts all processes of a
// user.)
std::size_t queue_limit(TaskTree& tree, ThreadGroup& group, const PendingSignals& queue) {
  ThreadGroupLinks& links = group.links(tree);
  std::size_t elsewhere = links.pending.queued() - queue.queued();
  for (const auto& task : links.tasks) elsewhere += task->signals(tree).pending.queued();
  const std::uint64_t limit = group.limits().soft(RLIMIT_SIGPENDING);
  return limit > elsewhere ? limit - elsewhere : 0;
}

std::size_t queue_limit(TaskTree& tree, ThreadGroup& group, const PendingSignals& queue, const SignalInfo& info) {
  // Standard signals are bounded by their number: only queues of the others can be long.
  return is_real_time(info.signo) ? queue_limit(tree, group, queue) : kSignalCount;
}

}  // namespace

Result<void> send_signal(TaskTree& tree, Task& task, const SignalInfo& info, SignalOrigin origin) {
  if (task.links(tree).exited || !prepare(tree, task, info.signo, origin)) return {};
  PendingSignals& queue = task.signals(tree).pending;
  TRY(queue.add(info, queue_limit(tree, *task.group(), queue, info)));
  complete(tree, task, info.signo);
  return {};
}

Result<void> send_signal_to_group(TaskTree& tree, ThreadGroup& group, const SignalInfo& info, SignalOrigin origin,
                                  Task* preferred) {
  ThreadGroupLinks& links = group.links(tree);
  if (preferred == nullptr) preferred = links.leader;
  if (preferred == nullptr || !prepare(tree, *preferred, info.signo, origin)) return {};
  TRY(links.pending.add(info, queue_limit(tree, group, links.pending, info)));
  complete_for_group(tree, group, *preferred, info.signo);
  return {};
}

void send_signal_to_process_group(TaskTree& tree, ProcessGroup& group, const SignalInfo& info) {
  // A copy: the end of a member changes the list.
  for (ThreadGroup* member : std::vector<ThreadGroup*>(group.members)) (void)send_signal_to_group(tree, *member, info);
}

bool send_timer_signal(TaskTree& tree, ThreadGroup& group, Task* thread, const SignalInfo& info) {
  Task* target = thread != nullptr ? thread : group.links(tree).leader;
  if (target == nullptr || !prepare(tree, *target, info.signo, SignalOrigin::kInsideNamespace)) return false;
  if (thread == nullptr) {
    group.links(tree).pending.add_timer_signal(info);
    complete_for_group(tree, group, *target, info.signo);
  } else {
    if (thread->links(tree).exited) return false;
    thread->signals(tree).pending.add_timer_signal(info);
    complete(tree, *thread, info.signo);
  }
  return true;
}

Result<void> may_signal(TaskTree& tree, Task& sender, const Credentials& credentials, Task& target, int signal) {
  if (sender.group() == target.group()) return {};
  const CredentialsPtr theirs = target.credentials();
  if (!theirs) return {};
  const auto matches = [&](Uid own) { return own == theirs->saved_uid || own == theirs->real_uid; };
  if (matches(credentials.effective_uid) || matches(credentials.real_uid)) return {};
  if (credentials.has_in(theirs->user_namespace, CAP_KILL)) return {};
  if (signal == SIGCONT) {
    const auto& own_group = sender.group()->links(tree).group;
    const auto& their_group = target.group()->links(tree).group;
    if (!their_group || (own_group && own_group->session == their_group->session)) return {};
  }
  return Errno(EPERM);
}

bool is_namespace_init(TaskTree& tree, const ThreadGroup& group) {
  const Task* init = group.pid_namespace()->init(tree);
  return init != nullptr && init->group().get() == &group;
}

namespace {

UserNamespacePtr user_namespace_of(TaskTree& tree, ThreadGroup& group) {
  const Task* const leader = group.links(tree).leader;
  const CredentialsPtr credentials = leader != nullptr ? leader->credentials() : nullptr;
  return credentials ? credentials->user_namespace : nullptr;
}

}  // namespace

Uid uid_shown_to(TaskTree& tree, ThreadGroup& viewer, const Task& task) {
  const CredentialsPtr credentials = task.credentials();
  return shown_uid(user_namespace_of(tree, viewer), credentials ? credentials->real_uid : kRootUid);
}

SignalOrigin origin_of(ThreadGroup& sender, const ThreadGroup& target) {
  return raw(sender.pid(*target.pid_namespace())) == 0 ? SignalOrigin::kOutside : SignalOrigin::kInsideNamespace;
}

SignalInfo kernel_signal(int signal) {
  SignalInfo info;
  info.signo = signal;
  info.code = SI_KERNEL;
  return info;
}

SignalInfo user_signal(TaskTree& tree, Task& sender, ThreadGroup& target, int signal, int code) {
  SignalInfo info;
  info.signo = signal;
  info.code = code;
  info.set_sender(sender.group()->pid(*target.pid_namespace()), uid_shown_to(tree, target, sender));
  return info;
}

SignalInfo claimed_signal(TaskTree& tree, Task& sender, ThreadGroup& target, SignalInfo info) {
  if (info.code == SI_TIMER || info.code == SI_SIGIO) return info;  // there is no pid in it
  Pid pid{info.sender_pid()};
  if (origin_of(*sender.group(), target) == SignalOrigin::kOutside) pid = Pid{0};  // it means nothing there
  Uid uid{info.sender_uid()};
  const CredentialsPtr credentials = sender.credentials();
  const UserNamespacePtr theirs = user_namespace_of(tree, target);
  if (credentials && credentials->user_namespace != theirs) {
    const auto global = global_uid(credentials->user_namespace, uid);
    uid = global.ok() ? shown_uid(theirs, *global) : kOverflowUid;
  }
  info.set_sender(pid, uid);
  return info;
}

SignalInfo io_signal(int signal, int code, int fd, std::int64_t band) {
  SignalInfo info;
  info.signo = signal;
  info.code = code;
  info.set_poll(band, fd);
  return info;
}

SignalInfo child_signal(TaskTree& tree, ThreadGroup& child, int signal, int code, int status) {
  const ThreadGroupLinks& links = child.links(tree);
  SignalInfo info;
  info.signo = signal;
  info.code = code;
  const Uid uid = links.leader != nullptr ? uid_shown_to(tree, *links.parent, *links.leader) : kRootUid;
  info.set_sender(child.pid(*links.parent->pid_namespace()), uid);
  const CpuTime time = cpu_time(tree, child);
  info.set_child(status, time.user_ns / kNanosecondsPerTick, time.system_ns / kNanosecondsPerTick);
  return info;
}

void raise_signal(CurrentTask& task, int signal) {
  auto tree = task.kernel().tasks().lock();
  const SignalInfo info = user_signal(*tree, task.task(), task.group(), signal, SI_USER);
  (void)send_signal(*tree, task.task(), info, SignalOrigin::kInsideNamespace);
}

SignalSet deliverable_signals(TaskTree& tree, Task& task) {
  const TaskSignals& own = task.signals(tree);
  return (own.pending.set() | task.group()->links(tree).pending.set()) & ~own.blocked;
}

std::optional<SignalInfo> dequeue_signal(TaskTree& tree, Task& task, SignalSet wanted) {
  ThreadGroup& group = *task.group();
  std::optional<SignalInfo> info = task.signals(tree).pending.take(wanted);
  if (!info) {
    info = group.links(tree).pending.take(wanted);
    if (info && info->signo == SIGALRM) group.interval_timers().real_signal_taken(tree);
  }
  if (info && info->code == SI_TIMER && info->pad != 0) group.posix_timers().signal_taken(tree, *info);
  if (info) info->pad = 0;
  return info;
}

void discard_pending(TaskTree& tree, ThreadGroup& group, SignalSet signals) {
  ThreadGroupLinks& links = group.links(tree);
  links.pending.discard(signals);
  for (const auto& task : links.tasks) task->signals(tree).pending.discard(signals);
}

namespace {

// `from` will not take these signals of its process any more: others that would are woken.
void hand_on_signals(TaskTree& tree, Task& from, SignalSet signals) {
  ThreadGroupLinks& links = from.group()->links(tree);
  SignalSet left = signals & links.pending.set();
  for (const auto& task : links.tasks) {
    if (left.empty()) return;
    if (&*task == &from || task->links(tree).exited) continue;
    const SignalSet taken = left & ~task->signals(tree).blocked;
    if (taken.empty()) continue;
    left = left & ~taken;
    if (!task->has_work()) task->interrupt(tree);
  }
}

}  // namespace

void set_blocked_signals(TaskTree& tree, Task& task, SignalSet mask) {
  SignalSet& blocked = task.signals(tree).blocked;
  const SignalSet before = blocked;
  blocked = mask & ~kUnblockable;
  hand_on_signals(tree, task, blocked & ~before);
  recalculate_work(tree, task);
}

namespace {

bool must_stop(TaskTree& tree, Task& task) {
  const std::shared_ptr<Tracing>& tracing = task.links(tree).tracing;
  if (tracing && tracing->pending()) return true;
  return task.group()->links(tree).stopped && !(tracing && tracing->leaves_group_stop);
}

}  // namespace

void recalculate_work(TaskTree& tree, Task& task) {
  const bool work = task.links(tree).killed || must_stop(tree, task) || task.links(tree).guard_requested ||
                    !deliverable_signals(tree, task).empty();
  if (work == task.has_work()) return;
  if (work) {
    task.note_work(tree);
  } else {
    task.clear_work(tree);
  }
}

void leave_signals(TaskTree& tree, Task& task) {
  hand_on_signals(tree, task, ~task.signals(tree).blocked);
  note_stopped(tree, *task.group());
}

}  // namespace runsc
