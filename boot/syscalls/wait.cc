// wait4(2), waitid(2).
#include <sys/wait.h>

#include <algorithm>

#include "boot/kernel/current_task.h"
#include "boot/kernel/exit.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/ptrace.h"
#include "boot/kernel/signal_send.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/pidfd_hook.h"

#ifndef __WNOTHREAD
#define __WNOTHREAD 0x20000000
#endif

namespace runsc {
namespace {

// Which children are waited for.
struct Selection {
  int type = P_ALL;  // P_PID, P_PGID, P_ALL
  Pid id{};
  ThreadGroupPtr pidfd_group;  // P_PIDFD
  int options = 0;
};

// What one of them did.
struct ChildReport {
  Pid pid{};
  Uid uid{};
  int code = 0;    // CLD_*
  int status = 0;  // as wait4(2) encodes it
  Usage usage;
};

constexpr int kStoppedStatus = 0x7f;
constexpr int kContinuedStatus = 0xffff;

bool selected(TaskTree& tree, CurrentTask& task, ThreadGroup& child, const Selection& selection) {
  const ThreadGroupLinks& links = child.links(tree);
  const PidNamespacePtr& viewer = task.task().pid_namespace();
  if (selection.pidfd_group && selection.pidfd_group.get() != &child) return false;
  if (selection.type == P_PID && child.pid(*viewer) != selection.id) return false;
  if (selection.type == P_PGID && (!links.group || links.group->id != selection.id)) return false;
  if ((selection.options & __WNOTHREAD) != 0 && links.parent_task != &task.task()) return false;
  if ((selection.options & __WALL) != 0) return true;
  const bool is_clone_child = links.exit_signal != SIGCHLD;
  return is_clone_child == ((selection.options & __WCLONE) != 0);
}

ChildReport describe(CurrentTask& task, ThreadGroup& child, TaskTree& tree) {
  ChildReport report;
  report.pid = child.pid(*task.task().pid_namespace());
  report.uid = uid_shown_to(tree, task.group(), *child.links(tree).leader);
  report.usage = child.links(tree).ended_tasks;
  for (const TaskPtr& each : child.links(tree).tasks) report.usage.add(each->usage());
  return report;
}

std::optional<ChildReport> take_report(TaskTree& tree, CurrentTask& task, ThreadGroup& child, int options) {
  ThreadGroupLinks& links = child.links(tree);
  const bool keep = (options & WNOWAIT) != 0;
  const bool traced = links.leader->links(tree).tracing != nullptr;
  const bool traced_here = traced && is_traced_by(tree, child, task.group());
  // A tracer sees the stops of the threads; and another one than the parent hears of the end first.
  if (traced && (traced_here ? !links.zombie : links.zombie)) return std::nullopt;
  if (links.zombie && (options & WEXITED) != 0) {
    ChildReport report = describe(task, child, tree);
    report.usage.add(links.reaped_children);
    report.status = links.exit_status;
    report.code = WIFEXITED(report.status) ? CLD_EXITED : WCOREDUMP(report.status) ? CLD_DUMPED : CLD_KILLED;
    if (!keep) reap(tree, child);
    return report;
  }
  if (links.zombie) return std::nullopt;
  if (links.stopped && !links.stop_reported && (options & WSTOPPED) != 0) {
    ChildReport report = describe(task, child, tree);
    report.status = links.stop_signal << 8 | kStoppedStatus;
    report.code = CLD_STOPPED;
    if (!keep) links.stop_reported = true;
    return report;
  }
  if (!links.stopped && !links.continue_reported && (options & WCONTINUED) != 0) {
    ChildReport report = describe(task, child, tree);
    report.status = kContinuedStatus;
    report.code = CLD_CONTINUED;
    if (!keep) links.continue_reported = true;
    return report;
  }
  return std::nullopt;
}

bool selected_tracee(TaskTree& tree, CurrentTask& task, Task& tracee, const Selection& selection) {
  const ThreadGroupLinks& links = tracee.group()->links(tree);
  if (selection.pidfd_group) return selection.pidfd_group == tracee.group() && links.leader == &tracee;
  if (selection.type == P_PID) return tracee.tid(*task.task().pid_namespace()) == selection.id;
  return selection.type != P_PGID || (links.group && links.group->id == selection.id);
}

ChildReport describe_tracee(TaskTree& tree, CurrentTask& task, Task& tracee) {
  ChildReport report;
  report.pid = tracee.tid(*task.task().pid_namespace());
  report.uid = uid_shown_to(tree, task.group(), tracee);
  report.usage = tracee.usage();
  return report;
}

// Stops of tracees are reported whatever the options are.
std::optional<ChildReport> take_tracee_report(TaskTree& tree, CurrentTask& task, Task& tracee, int options) {
  Tracing& tracing = *tracee.links(tree).tracing;
  const bool keep = (options & WNOWAIT) != 0;
  if (tracing.zombie && (options & WEXITED) != 0) {
    ChildReport report = describe_tracee(tree, task, tracee);
    report.status = tracing.exit_status;
    report.code = WIFEXITED(report.status) ? CLD_EXITED : WCOREDUMP(report.status) ? CLD_DUMPED : CLD_KILLED;
    if (!keep) release_zombie(tree, tracee);
    return report;
  }
  if (!tracing.stopped || tracing.reported) return std::nullopt;
  ChildReport report = describe_tracee(tree, task, tracee);
  report.status = tracing.code << 8 | kStoppedStatus;
  report.code = tracing.child_code;
  if (!keep) tracing.reported = true;
  return report;
}

std::optional<ChildReport> look_at_tracees(TaskTree& tree, CurrentTask& task, const Selection& selection, bool& any) {
  for (const TaskPtr& tracer : task.group().links(tree).tasks) {
    if ((selection.options & __WNOTHREAD) != 0 && tracer.get() != &task.task()) continue;
    const std::vector<Task*> tracees = tracer->links(tree).tracees;
    for (Task* tracee : tracees) {
      if (!selected_tracee(tree, task, *tracee, selection)) continue;
      any = true;
      if (auto report = take_tracee_report(tree, task, *tracee, selection.options)) return report;
    }
  }
  return std::nullopt;
}

// A report; none yet (nullopt); or ECHILD: there is nobody to wait for.
Result<std::optional<ChildReport>> look(CurrentTask& task, const Selection& selection) {
  auto tree = task.kernel().tasks().lock();
  bool any = false;
  // A copy: reaping changes the list.
  const std::vector<ThreadGroupPtr> children = task.group().links(*tree).children;
  for (const ThreadGroupPtr& child : children) {
    if (!selected(*tree, task, *child, selection)) continue;
    any = true;
    if (auto report = take_report(*tree, task, *child, selection.options)) return report;
  }
  if (auto report = look_at_tracees(*tree, task, selection, any)) return report;
  if (!any) return Errno(ECHILD);
  return std::optional<ChildReport>();
}

// The report, or nullopt with WNOHANG.
Result<std::optional<ChildReport>> wait_for_child(CurrentTask& task, const Selection& selection) {
  std::optional<ChildReport> report = TRY(look(task, selection));
  if (report || (selection.options & WNOHANG) != 0) return report;
  Result<std::optional<ChildReport>> outcome = std::optional<ChildReport>();
  TRY(task.wait(task.group().child_events(), POLLIN, std::nullopt, [&] {
    outcome = look(task, selection);
    return !outcome.ok() || outcome->has_value();
  }));
  return outcome;
}

SignalInfo to_signal_info(const ChildReport& report) {
  SignalInfo info;
  info.signo = SIGCHLD;
  info.code = report.code;
  info.set_sender(report.pid, report.uid);
  const bool exited = report.code == CLD_EXITED;
  int status = report.status & 0x7f;
  if (exited || report.code == CLD_STOPPED) status = report.status >> 8 & 0xff;
  if (report.code == CLD_TRAPPED) status = report.status >> 8;
  if (report.code == CLD_CONTINUED) status = SIGCONT;
  info.set_child(status, 0, 0);
  return info;
}

Result<Selection> select_by_idtype(CurrentTask& task, int type, Pid id) {
  Selection selection;
  selection.type = type;
  selection.id = id;
  switch (type) {
    case P_ALL:
      return selection;
    case P_PID:
      if (raw(id) <= 0) return Errno(EINVAL);
      return selection;
    case P_PGID:
      if (raw(id) < 0) return Errno(EINVAL);
      if (raw(id) == 0) {
        auto tree = task.kernel().tasks().lock();
        selection.id = task.group().links(*tree).group->id;
      }
      return selection;
    case P_PIDFD: {
      if (raw(id) < 0) return Errno(EINVAL);
      const PidfdTarget target = TRY(pidfd_target(task, Fd{raw(id)}));
      selection.pidfd_group = target.group;
      if (target.nonblocking) selection.options |= WNOHANG;
      return selection;
    }
    default:
      return Errno(EINVAL);
  }
}

}  // namespace

Result<long> sys_wait4(CurrentTask& task, Pid pid, UserOut<int> status, int options, UserOut<struct rusage> usage) {
  constexpr int kKnown = WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;
  if ((options & ~kKnown) != 0) return Errno(EINVAL);
  const int number = raw(pid);
  if (number == INT32_MIN) return Errno(ESRCH);
  Selection selection = TRY(number == -1  ? select_by_idtype(task, P_ALL, Pid{0})
                            : number > 0  ? select_by_idtype(task, P_PID, pid)
                            : number == 0 ? select_by_idtype(task, P_PGID, Pid{0})
                                          : select_by_idtype(task, P_PGID, Pid{-number}));
  selection.options = options | WEXITED;
  const std::optional<ChildReport> report = TRY(wait_for_child(task, selection));
  if (!report) return 0;
  if (status) TRY(task.write(status, report->status));
  if (usage) TRY(task.write(usage, report->usage.to_rusage()));
  return raw(report->pid);
}

Result<long> sys_waitid(CurrentTask& task, int type, Pid id, UserOut<SignalInfo> info, int options,
                        UserOut<struct rusage> usage) {
  constexpr int kKnown = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;
  if ((options & ~kKnown) != 0 || (options & (WEXITED | WSTOPPED | WCONTINUED)) == 0) return Errno(EINVAL);
  Selection selection = TRY(select_by_idtype(task, type, id));
  const bool nonblocking_pidfd = (selection.options & WNOHANG) != 0 && (options & WNOHANG) == 0;
  selection.options |= options;
  const std::optional<ChildReport> report = TRY(wait_for_child(task, selection));
  if (!report && nonblocking_pidfd) return Errno(EAGAIN);
  if (usage && report) TRY(task.write(usage, report->usage.to_rusage()));
  if (!info) return 0;
  // Linux writes the fields of the child and leaves the rest of the caller's siginfo alone.
  SignalInfo out = report ? to_signal_info(*report) : SignalInfo{};
  constexpr std::size_t kWritten = 28;  // through si_status
  std::vector<std::byte> bytes(kWritten);
  std::memcpy(bytes.data(), &out, kWritten);
  TRY(task.write_array(UserOut<std::byte>{{info.value}}, std::span<const std::byte>(bytes)));
  return 0;
}

}  // namespace runsc
