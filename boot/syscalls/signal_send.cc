// kill(2), tkill(2), tgkill(2), rt_sigqueueinfo(2), rt_tgsigqueueinfo(2).
#include "boot/kernel/signal_send.h"

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/process_group.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

// What is sent: by kill(2) the kernel fills in the sender as each receiver sees it; sigqueue(3) brings its own siginfo.
struct Message {
  int signal = 0;
  int code = SI_USER;
  std::optional<SignalInfo> info;
};

SignalInfo info_for(TaskTree& tree, CurrentTask& task, ThreadGroup& target, const Message& message) {
  if (!message.info) return user_signal(tree, task.task(), target, message.signal, message.code);
  return claimed_signal(tree, task.task(), target, *message.info);
}

// EINVAL, EPERM. Signal 0 is only a question.
Result<void> check(TaskTree& tree, CurrentTask& task, Task& target, int signal) {
  if (signal != 0 && !valid_signal(signal)) return Errno(EINVAL);
  return may_signal(tree, task.task(), *task.credentials(), target, signal);
}

Result<void> send_to_process(TaskTree& tree, CurrentTask& task, Task& target, const Message& message) {
  TRY(check(tree, task, target, message.signal));
  if (message.signal == 0) return {};
  ThreadGroup& group = *target.group();
  return send_signal_to_group(tree, group, info_for(tree, task, group, message), origin_of(task.group(), group),
                              &target);
}

Result<void> send_to_thread(TaskTree& tree, CurrentTask& task, Task& target, const Message& message) {
  TRY(check(tree, task, target, message.signal));
  if (message.signal == 0) return {};
  ThreadGroup& group = *target.group();
  return send_signal(tree, target, info_for(tree, task, group, message), origin_of(task.group(), group));
}

Task* find_task(TaskTree& tree, CurrentTask& task, Pid id) { return task.task().pid_namespace()->find(tree, id); }

Result<long> signal_pid(CurrentTask& task, Pid pid, const Message& message) {
  auto tree = task.kernel().tasks().lock();
  Task* target = find_task(*tree, task, pid);
  if (target == nullptr) return Errno(ESRCH);
  TRY(send_to_process(*tree, task, *target, message));
  return 0;
}

// Succeeds if one member could be signalled. ESRCH: there is no member.
Result<long> signal_process_group(CurrentTask& task, Pid id, const Message& message) {
  auto tree = task.kernel().tasks().lock();
  ProcessGroup* group =
      raw(id) == 0 ? task.group().links(*tree).group.get() : task.task().pid_namespace()->find_group(*tree, id);
  if (group == nullptr) return Errno(ESRCH);
  Result<void> last = Errno(ESRCH);
  bool any = false;
  // A copy: the end of a member changes the list.
  for (ThreadGroup* member : std::vector<ThreadGroup*>(group->members)) {
    Task* leader = member->links(*tree).leader;
    if (leader == nullptr) continue;
    last = send_to_process(*tree, task, *leader, message);
    any = any || last.ok();
  }
  if (!any) return last.error();
  return 0;
}

// Everybody but the own process and the init. Not being allowed is no error once anybody was found.
Result<long> signal_all(CurrentTask& task, const Message& message) {
  auto tree = task.kernel().tasks().lock();
  const PidNamespace& own = *task.task().pid_namespace();
  Result<void> outcome;
  bool any = false;
  for (Task* target : own.tasks(*tree)) {
    ThreadGroup& group = *target->group();
    if (group.links(*tree).leader != target || raw(group.pid(own)) <= 1 || &group == &task.group()) continue;
    const Result<void> sent = send_to_process(*tree, task, *target, message);
    any = true;
    if (sent.ok() || sent.error() != Errno(EPERM)) outcome = sent;
  }
  if (!any) return Errno(ESRCH);
  TRY(outcome);
  return 0;
}

// `process`: nullopt for tkill(2).
Result<long> signal_thread(CurrentTask& task, std::optional<Pid> process, Pid thread, const Message& message) {
  if (raw(thread) <= 0 || (process && raw(*process) <= 0)) return Errno(EINVAL);
  auto tree = task.kernel().tasks().lock();
  Task* target = find_task(*tree, task, thread);
  if (target == nullptr) return Errno(ESRCH);
  if (process && target->group()->pid(*task.task().pid_namespace()) != *process) return Errno(ESRCH);
  TRY(send_to_thread(*tree, task, *target, message));
  return 0;
}

// Reads the siginfo that a program made itself. EPERM: it claims to come from the kernel or from kill(2), and is not
// for the caller's own process or thread (`own`).
Result<Message> read_message(CurrentTask& task, int signal, UserIn<SignalInfo> address, bool own) {
  SignalInfo info = TRY(task.read(address));
  info.signo = signal;
  info.pad = 0;  // the kernel's own marks are not for programs
  if ((info.code >= 0 || info.code == SI_TKILL) && !own) return Errno(EPERM);
  return Message{signal, info.code, info};
}

}  // namespace

Result<long> sys_kill(CurrentTask& task, Pid pid, Signal signal) {
  const Message message{raw(signal), SI_USER, std::nullopt};
  const std::int32_t number = raw(pid);
  if (number > 0) return signal_pid(task, pid, message);
  if (number == INT32_MIN) return Errno(ESRCH);
  if (number == -1) return signal_all(task, message);
  return signal_process_group(task, Pid{-number}, message);
}

Result<long> sys_tkill(CurrentTask& task, Pid thread, Signal signal) {
  return signal_thread(task, std::nullopt, thread, {raw(signal), SI_TKILL, std::nullopt});
}

Result<long> sys_tgkill(CurrentTask& task, Pid process, Pid thread, Signal signal) {
  return signal_thread(task, process, thread, {raw(signal), SI_TKILL, std::nullopt});
}

Result<long> sys_rt_sigqueueinfo(CurrentTask& task, Pid pid, Signal signal, UserIn<SignalInfo> info) {
  const bool own = pid == task.task().tid();
  const Message message = TRY(read_message(task, raw(signal), info, own));
  return signal_pid(task, pid, message);
}

Result<long> sys_rt_tgsigqueueinfo(CurrentTask& task, Pid process, Pid thread, Signal signal, UserIn<SignalInfo> info) {
  if (raw(thread) <= 0 || raw(process) <= 0) return Errno(EINVAL);
  const Message message = TRY(read_message(task, raw(signal), info, thread == task.task().tid()));
  return signal_thread(task, process, thread, message);
}

}  // namespace runsc
