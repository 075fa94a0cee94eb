#include "boot/kernel/terminal_control.h"

#include <asm/termbits.h>
#include <sys/ioctl.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

bool ignores(TaskTree& tree, Task& task, int signal) {
  return task.signals(tree).blocked.contains(signal) || is_ignore((*task.group()->links(tree).handlers)[signal]);
}

Result<void> acquire(CurrentTask& task, Terminal& terminal, bool readable, std::uint64_t argument) {
  const bool admin = task.capable(CAP_SYS_ADMIN);
  auto tree = task.kernel().tasks().lock();
  if (!readable && !admin) return Errno(EPERM);
  return terminal.acquire(*tree, task.group(), argument == 1 && admin);
}

Result<void> release(CurrentTask& task, Terminal& terminal) {
  auto tree = task.kernel().tasks().lock();
  const auto foreground = TRY(terminal.release(*tree, task.group()));
  if (!foreground) return {};
  for (const int signal : {SIGHUP, SIGCONT}) send_signal_to_process_group(*tree, *foreground, kernel_signal(signal));
  return {};
}

Result<void> set_foreground(CurrentTask& task, Terminal& terminal, std::uint64_t argument) {
  const Result<void> allowed = check_background_use(terminal, SIGTTOU);
  if (!allowed.ok()) return allowed.error() == Errno(EIO) ? Errno(ENOTTY) : allowed.error();
  const Pid wanted = TRY(task.read(UserIn<Pid>{{argument}}));
  auto tree = task.kernel().tasks().lock();
  return terminal.set_foreground(*tree, task.group(), wanted);
}

Result<Pid> ask(CurrentTask& task, Terminal& terminal, TerminalSide side, std::uint32_t command) {
  auto tree = task.kernel().tasks().lock();
  if (side == TerminalSide::kOwn) TRY(terminal.session_id(*tree, task.group()));
  if (command == TIOCGSID) return terminal.session_id(*tree);
  return terminal.foreground_id(*tree);
}

std::shared_ptr<Terminal> terminal_of(TaskTree& tree, ThreadGroup& group) {
  const auto& process_group = group.links(tree).group;
  return process_group ? process_group->session->terminal : nullptr;
}

}  // namespace

Result<void> check_background_use(Terminal& terminal, int signal) {
  Task* task = task_of_this_thread();
  if (task == nullptr) return {};
  auto tree = task->kernel().tasks().lock();
  ThreadGroup& process = *task->group();
  if (!terminal.in_background(*tree, process)) return {};
  if (ignores(*tree, *task, signal)) return signal == SIGTTIN ? Result<void>(Errno(EIO)) : Result<void>();
  const std::shared_ptr<ProcessGroup> group = process.links(*tree).group;
  if (is_orphaned(*tree, *group)) return Errno(EIO);
  send_signal_to_process_group(*tree, *group, kernel_signal(signal));
  return kRestartSys;
}

bool changes_terminal(std::uint32_t command) {
  switch (command) {
    case TCSETA:
    case TCSETAW:
    case TCSETAF:
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
    case TCSBRK:
    case TCSBRKP:
    case TIOCSBRK:
    case TIOCCBRK:
    case TIOCSETD:
    case TCFLSH:
    case TCXONC:
      return true;
    default:
      return false;
  }
}

bool is_job_control(std::uint32_t command) {
  return command == TIOCSCTTY || command == TIOCNOTTY || command == TIOCGPGRP || command == TIOCSPGRP ||
         command == TIOCGSID;
}

Result<std::int64_t> job_control(CurrentTask& task, Terminal& terminal, TerminalSide side, bool readable,
                                 std::uint32_t command, std::uint64_t argument) {
  switch (command) {
    case TIOCSCTTY:
      TRY(acquire(task, terminal, readable, argument));
      return 0;
    case TIOCNOTTY:
      if (side == TerminalSide::kMaster) return Errno(ENOTTY);
      TRY(release(task, terminal));
      return 0;
    case TIOCSPGRP:
      TRY(set_foreground(task, terminal, argument));
      return 0;
    case TIOCGPGRP:
    case TIOCGSID:
      TRY(task.write(UserOut<Pid>{{argument}}, TRY(ask(task, terminal, side, command))));
      return 0;
    default:
      return Errno(ENOTTY);
  }
}

void acquire_on_open(CurrentTask& task, Terminal& terminal) {
  auto tree = task.kernel().tasks().lock();
  (void)terminal.acquire(*tree, task.group(), false);
}

std::shared_ptr<Terminal> controlling_terminal(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  return terminal_of(*tree, task.group());
}

std::shared_ptr<Terminal> container_terminal(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  ThreadGroup* top = &task.group();
  while (top->links(*tree).parent) top = top->links(*tree).parent.get();
  return terminal_of(*tree, *top);
}

}  // namespace runsc
