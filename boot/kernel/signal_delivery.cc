#include "boot/kernel/signal_delivery.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <array>
#include <limits>

#include "boot/kernel/control_group.h"
#include "boot/kernel/exit.h"
#include "boot/kernel/job_control.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/process_group.h"
#include "boot/kernel/ptrace.h"
#include "boot/kernel/signal_frame.h"
#include "boot/kernel/signal_send.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

constexpr std::uint64_t kPageFaultTrap = 14;
constexpr std::uint64_t kSyscallInstructionSize = 2;
constexpr std::uint64_t kInterrupted = static_cast<std::uint64_t>(-EINTR);

// What the task has to do next.
struct Work {
  enum class Kind { kNothing, kEnd, kFreeze, kStandStill, kAskTracer, kHandle };
  Kind kind = Kind::kNothing;
  int status = 0;     // kEnd: as wait4(2) encodes it
  SignalInfo info{};  // kAskTracer, kHandle
  SignalAction action{};
};

#ifndef SA_RESTORER
constexpr std::uint64_t SA_RESTORER = 0x04000000;
#endif

bool init_survives(TaskTree& tree, const ThreadGroup& group, const SignalInfo& info) {
  if (!is_namespace_init(tree, group) || kUnblockable.contains(info.signo)) return false;
  // Its own fault: there is no going on. (The same numbers may be sent to it.)
  const bool fault = kSynchronousSignals.contains(info.signo) && info.code > 0;
  return !fault;
}

// nullopt: nothing.
std::optional<Work> default_work(TaskTree& tree, ThreadGroup& group, const SignalInfo& info) {
  const DefaultAction action = default_action(info.signo);
  if (action == DefaultAction::kIgnore || action == DefaultAction::kContinue) return std::nullopt;
  if (init_survives(tree, group, info)) return std::nullopt;
  if (action == DefaultAction::kStop) {
    const auto& process_group = group.links(tree).group;
    if (info.signo != SIGSTOP && process_group && is_orphaned(tree, *process_group)) return std::nullopt;
    begin_stop(tree, group, info.signo);
    return Work{Work::Kind::kStandStill};
  }
  // No core is ever written, as with a core_pattern that fails: so the status never says that one was.
  kill_group(tree, group, info.signo);
  return Work{Work::Kind::kEnd, info.signo};
}

std::optional<Work> work_of_signal(TaskTree& tree, ThreadGroup& group, const SignalInfo& info) {
  SignalAction& action = (*group.links(tree).handlers)[info.signo];
  if (is_ignore(action)) return std::nullopt;
  if (is_default(action)) return default_work(tree, group, info);
  const Work work{Work::Kind::kHandle, 0, info, action};
  if ((action.flags & SA_RESETHAND) != 0) action.handler = 0;
  return work;
}

// Whether the task shall stop with its group, which a tracer may have let it leave.
bool stops_with_group(TaskTree& tree, Task& task) {
  const bool stopped = task.group()->links(tree).stopped;
  const std::shared_ptr<Tracing>& tracing = task.links(tree).tracing;
  if (!tracing) return stopped;
  if (!stopped) tracing->leaves_group_stop = false;
  return stopped && !tracing->leaves_group_stop;
}

// `approved`: a signal that a tracer has let pass.
Work next_work(CurrentTask& current, std::optional<SignalInfo>& approved) {
  auto tree = current.kernel().tasks().lock();
  Task& task = current.task();
  ThreadGroup& group = current.group();
  task.clear_work(*tree);
  if (task.links(*tree).killed) return {Work::Kind::kEnd, group.links(*tree).exit_status};
  if (group.control_group()->frozen(*tree)) return {Work::Kind::kFreeze};
  for (;;) {
    if (stops_with_group(*tree, task)) return {Work::Kind::kStandStill};
    auto info = std::exchange(approved, std::nullopt);
    if (!info) {
      info = dequeue_signal(*tree, task, ~task.signals(*tree).blocked);
      if (!info) return {};
      if (task.links(*tree).tracing && info->signo != SIGKILL) return {Work::Kind::kAskTracer, 0, *info};
    }
    if (const auto work = work_of_signal(*tree, group, *info)) return *work;
  }
}

// Until the freezer opens, or SIGKILL.
void stay_frozen(CurrentTask& current) {
  Task& task = current.task();
  ControlGroup& control_group = *current.group().control_group();
  for (;;) {
    const std::uint32_t ticket = task.sleeper().prepare();
    {
      auto tree = current.kernel().tasks().lock();
      TaskLinks& links = task.links(*tree);
      const bool stay = control_group.frozen(*tree) && !links.killed;
      links.frozen = stay;
      if (!stay) {
        recalculate_work(*tree, task);
        return;
      }
    }
    (void)task.sleeper().sleep(ticket, std::nullopt);
  }
}

// Until SIGCONT or SIGKILL.
void stand_still(CurrentTask& current) {
  Task& task = current.task();
  for (;;) {
    const std::uint32_t ticket = task.sleeper().prepare();
    {
      auto tree = current.kernel().tasks().lock();
      if (!current.group().links(*tree).stopped || task.links(*tree).killed || task.links(*tree).tracing)
        return task.set_state(TaskState::kRunning);
      task.set_state(TaskState::kStopped);
      note_stopped(*tree, current.group());
    }
    (void)task.sleeper().sleep(ticket, std::nullopt);
  }
}

bool is_restart(Errno error) {
  return error == kRestartSys || error == kRestartNoIntr || error == kRestartNoHandler || error == kRestartBlock;
}

std::optional<Errno> restart_of(const Result<long>& result) {
  if (result.ok() || !is_restart(result.error())) return std::nullopt;
  return result.error();
}

// Whether the call ended so that signals are delivered under its temporary mask.
bool ended_by_signal(const std::optional<Result<long>>& result) {
  return result && !result->ok() && (is_restart(result->error()) || result->error() == Errno(EINTR));
}

void rewind(CurrentTask& task) {
  task.registers().rip -= kSyscallInstructionSize;
  task.registers().rax = task.event.number;
}

// No handler runs: the interrupted call goes on as if nothing had happened. Returns how it ended this time, if it was
// interrupted again.
std::optional<Errno> restart_unhandled(CurrentTask& task, Errno how) {
  if (how != kRestartBlock) {
    rewind(task);
    return std::nullopt;
  }
  // The thread stands behind its call as long as it takes: it need not make a call of its own for this.
  const auto block = task.take_restart_block();
  const Result<long> result = block ? (*block)(task) : Result<long>(Errno(EINTR));
  task.registers().rax =
      result.ok() ? static_cast<std::uint64_t>(*result) : static_cast<std::uint64_t>(-result.error().value());
  return restart_of(result);
}

// A handler is about to run: the interrupted call fails or is made again when it returns.
void settle_before_handler(CurrentTask& task, Errno how, const SignalAction& action) {
  (void)task.take_restart_block();
  const bool again = how == kRestartNoIntr || (how == kRestartSys && (action.flags & SA_RESTART) != 0);
  if (again) return rewind(task);
  task.registers().rax = kInterrupted;
}

// A natively blocked futex wait that a kick has interrupted: the host will restart it, because the platform's own
// handler has SA_RESTART; when the application's has not, it must fail instead. (A wait with a time-out has failed
// already.)
void settle_native_futex(CurrentTask& task, const SignalAction& action) {
  if ((action.flags & SA_RESTART) != 0) return;
  Registers& registers = task.registers();
  const int operation = static_cast<int>(registers.rsi) & FUTEX_CMD_MASK;
  const bool waits = registers.rax == SYS_futex && (operation == FUTEX_WAIT || operation == FUTEX_WAIT_BITSET);
  if (!waits && registers.rax != SYS_futex_waitv) return;
  constexpr std::array<std::uint8_t, 2> kSyscallInstruction{0x0f, 0x05};
  const auto code = task.read(UserIn<std::array<std::uint8_t, 2>>{{registers.rip}});
  if (!code.ok() || *code != kSyscallInstruction) return;
  registers.rip += kSyscallInstructionSize;
  registers.rax = kInterrupted;
}

Result<void> push_frame(CurrentTask& task, const SignalInfo& info, const SignalAction& action, SignalSet mask) {
  if ((action.flags & SA_RESTORER) == 0) return Errno(EFAULT);
  const std::span<const std::byte> fp_state = task.context().fp_state();
  Registers& registers = task.registers();
  const auto place = place_signal_frame(registers.rsp, task.signal_stack, action.flags, fp_state.size());
  if (!place) return Errno(EFAULT);
  const FrameContents contents{registers, task.signal_stack, task.last_trap, mask};
  const SignalFrame frame = make_signal_frame(contents, *place, action, info);
  TRY(write_signal_frame(task.user_memory(), *place, frame, action.flags, fp_state));
  enter_handler(registers, *place, action, info.signo);
  return task.context().set_fp_state({});
}

// A stack that cannot hold a frame.
void fail_to_deliver(CurrentTask& task, int signal) {
  if (signal == SIGSEGV) {
    auto tree = task.kernel().tasks().lock();
    (*task.group().links(*tree).handlers)[SIGSEGV].handler = 0;
  }
  task.force_signal(kernel_signal(SIGSEGV));
}

void run_handler(CurrentTask& task, const SignalInfo& info, const SignalAction& action) {
  const SignalSet blocked = task.blocked_signals();
  if (!push_frame(task, info, action, task.saved_mask.value_or(blocked)).ok()) return fail_to_deliver(task, info.signo);
  task.saved_mask.reset();
  SignalSet mask = blocked | action.mask;
  if ((action.flags & SA_NODEFER) == 0) mask.add(info.signo);
  task.set_blocked_signals(mask);
  constexpr std::uint32_t kAutoDisarm = 1U << 31;  // SS_AUTODISARM
  if ((static_cast<std::uint32_t>(task.signal_stack.flags) & kAutoDisarm) != 0) task.signal_stack = SignalStack{};
}

void restore_mask(CurrentTask& task) {
  const SignalSet mask = *task.saved_mask;
  task.saved_mask.reset();
  task.set_blocked_signals(mask);
}

}  // namespace

void CurrentTask::handle_work(std::optional<Result<long>> syscall_result) {
  std::optional<Errno> restart = syscall_result ? restart_of(*syscall_result) : std::nullopt;
  if (saved_mask && !ended_by_signal(syscall_result)) restore_mask(*this);
  std::optional<SignalInfo> approved;
  for (;;) {
    report_pending_stops(*this);
    const Work work = next_work(*this, approved);
    switch (work.kind) {
      case Work::Kind::kEnd:
        return exit_task(work.status);
      case Work::Kind::kFreeze:
        stay_frozen(*this);
        break;
      case Work::Kind::kStandStill:
        if (!report_group_stop(*this)) stand_still(*this);
        break;
      case Work::Kind::kAskTracer:
        show_interrupted_call(*this);
        approved = report_signal(*this, work.info);
        if (restart && !keeps_interrupted_call(*this, -restart->value())) restart.reset();
        break;
      case Work::Kind::kHandle:
        if (restart) settle_before_handler(*this, *restart, work.action);
        if (!syscall_result && event.kind == Event::Kind::kKicked) settle_native_futex(*this, work.action);
        restart.reset();
        leave_single_step(*this);
        run_handler(*this, work.info, work.action);
        report_handler_entry(*this);
        break;
      case Work::Kind::kNothing:
        if (!restart && !saved_mask) return;
        if (restart) restart = restart_unhandled(*this, *restart);
        if (saved_mask) restore_mask(*this);
        break;
    }
  }
}

void CurrentTask::force_signal(const SignalInfo& info) {
  auto tree = kernel().tasks().lock();
  TaskSignals& own = task_->signals(*tree);
  SignalAction& action = (*group().links(*tree).handlers)[info.signo];
  if (is_ignore(action) || own.blocked.contains(info.signo)) action.handler = 0;
  own.blocked.remove(info.signo);
  (void)own.pending.add(info, std::numeric_limits<std::size_t>::max());
  task_->note_work(*tree);
}

SignalSet CurrentTask::blocked_signals() {
  auto tree = kernel().tasks().lock();
  return task_->signals(*tree).blocked;
}

void CurrentTask::set_blocked_signals(SignalSet mask) {
  auto tree = kernel().tasks().lock();
  runsc::set_blocked_signals(*tree, *task_, mask);
}

void CurrentTask::set_temporary_mask(SignalSet mask) {
  saved_mask = blocked_signals();
  set_blocked_signals(mask);
}

void CurrentTask::serve_fault() {
  constexpr std::uint64_t kDebugTrap = 1;
  if (event.signal == SIGTRAP && event.trap_number == kDebugTrap) leave_single_step(*this);
  deliver_fault(*this);
  handle_work(std::nullopt);
  if (!ending_) continue_thread();
}

void deliver_fault(CurrentTask& task) {
  const Event& event = task.event;
  task.last_trap.number = event.trap_number;
  task.last_trap.error_code = event.error_code;
  if (event.trap_number == kPageFaultTrap) task.last_trap.address = event.address;
  SignalInfo info;
  info.signo = event.signal;
  info.code = event.code;
  info.set_fault(event.address);
  // The host may have mappings, such as the platform's own, that the application's address space does not show.
  if (event.signal == SIGSEGV && (event.code == SEGV_MAPERR || event.code == SEGV_ACCERR))
    info.code = task.memory().mapped(event.address) ? SEGV_ACCERR : SEGV_MAPERR;
  task.force_signal(info);
}

namespace {

Result<void> restore_frame(CurrentTask& task) {
  Registers& registers = task.registers();
  const UserContext context = TRY(read_signal_frame(task.user_memory(), registers.rsp));
  task.set_blocked_signals(context.mask);
  const std::vector<std::byte> fp_state =
      TRY(read_fp_state(task.user_memory(), context.machine.fp_state, task.context().fp_state()));
  TRY(task.context().set_fp_state(fp_state));
  restore_registers(registers, context.machine);
  (void)change_signal_stack(task.signal_stack, context.stack, registers.rsp);
  return {};
}

}  // namespace

void return_from_handler(CurrentTask& task) {
  task.keep_registers();
  (void)task.take_restart_block();
  if (!restore_frame(task).ok()) task.force_signal(kernel_signal(SIGSEGV));
}

}  // namespace runsc
