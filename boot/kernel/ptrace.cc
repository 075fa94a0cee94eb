#include "boot/kernel/ptrace.h"

#include <linux/sched.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "boot/kernel/current_task.h"
#include "boot/kernel/exit.h"
#include "boot/kernel/job_control.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"

namespace runsc {
namespace {

constexpr int event_code(int signal, int event) { return signal | event << 8; }

struct Stop {
  int code = 0;
  int child_code = CLD_TRAPPED;
  std::optional<SignalInfo> info = std::nullopt;
  std::optional<std::uint64_t> message = std::nullopt;
  std::uint8_t call = PTRACE_SYSCALL_INFO_NONE;
};

SignalInfo trap_info(CurrentTask& task, int code) {
  SignalInfo info;
  info.signo = code & 0xff;
  info.code = code;
  const CredentialsPtr& credentials = task.credentials();
  info.set_sender(task.task().tid(), shown_uid(credentials->user_namespace, credentials->real_uid));
  return info;
}

std::shared_ptr<Tracing> begin_stop_for_tracer(CurrentTask& current, const Stop& stop) {
  Task& task = current.task();
  auto tree = current.kernel().tasks().lock();
  TaskLinks& links = task.links(*tree);
  const std::shared_ptr<Tracing> tracing = links.tracing;
  if (!tracing || links.killed) return nullptr;
  tracing->stopped = true;
  tracing->listening = false;
  tracing->reported = false;
  tracing->code = stop.code;
  tracing->child_code = stop.child_code;
  tracing->info = stop.info;
  tracing->call = stop.call;
  tracing->signal = 0;
  if (stop.message) tracing->message = *stop.message;
  task.set_state(TaskState::kStopped);
  note_stopped(*tree, *task.group());
  notify_tracer(*tree, task, stop.child_code, stop.code);
  return tracing;
}

// The trap flag belongs to the tracer until the step is done.
void arm_step(CurrentTask& task, Tracing& tracing) {
  Registers& registers = task.registers();
  if (tracing.single_step) {
    tracing.steps = tracing.steps || (registers.rflags & kTrapFlag) == 0;
    registers.rflags |= kTrapFlag;
  } else if (tracing.steps) {
    registers.rflags &= ~kTrapFlag;
    tracing.steps = false;
  }
}

void disarm_step(CurrentTask& task, Tracing& tracing) {
  if (!std::exchange(tracing.steps, false)) return;
  task.registers().rflags &= ~kTrapFlag;
}

// Until the tracer lets the task go on. Returns the signal that it may have sent along.
int stop_for_tracer(CurrentTask& current, const Stop& stop) {
  Task& task = current.task();
  const std::shared_ptr<Tracing> tracing = begin_stop_for_tracer(current, stop);
  if (!tracing) return 0;
  for (;;) {
    const std::uint32_t ticket = task.sleeper().prepare();
    {
      auto tree = current.kernel().tasks().lock();
      const TaskLinks& links = task.links(*tree);
      if (links.killed) tracing->stopped = false;
      if (tracing->listening && !task.group()->links(*tree).stopped) {
        tracing->stopped = tracing->listening = false;
        tracing->wants_stop = true;
      }
      if (!tracing->stopped) {
        task.set_state(TaskState::kRunning);
        recalculate_work(*tree, task);
        arm_step(current, *tracing);
        return std::exchange(tracing->signal, 0);
      }
    }
    (void)task.sleeper().sleep(ticket, std::nullopt);
  }
}

std::shared_ptr<Tracing> tracing_of(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  return task.task().links(*tree).tracing;
}

// A stop that is due happens once.
bool take_flag(CurrentTask& task, Tracing& tracing, bool Tracing::*flag) {
  auto tree = task.kernel().tasks().lock();
  return std::exchange(tracing.*flag, false);
}

bool make_full(CurrentTask& task, std::int64_t value) {
  if (task.event.full) return true;
  if (!task.context().capture(value).ok()) {
    task.exit_group(SIGKILL);
    return false;
  }
  task.event.full = true;
  return true;
}

void send_own_signal(CurrentTask& task, int signal) {
  auto tree = task.kernel().tasks().lock();
  (void)send_signal(*tree, task.task(), user_signal(*tree, task.task(), task.group(), signal, SI_USER));
}

}  // namespace

void forget_tracing(TaskTree& tree, Task& tracee) {
  const std::shared_ptr<Tracing> tracing = std::move(tracee.links(tree).tracing);
  tracee.links(tree).tracing = nullptr;
  if (tracing && tracing->tracer != nullptr) std::erase(tracing->tracer->links(tree).tracees, &tracee);
}

void start_tracing(TaskTree& tree, Task& tracer, Task& tracee, bool seized, std::uint32_t options) {
  auto tracing = std::make_shared<Tracing>();
  tracing->tracer = &tracer;
  tracing->seized = seized;
  tracing->options = options;
  tracee.links(tree).tracing = std::move(tracing);
  tracer.links(tree).tracees.push_back(&tracee);
}

void resume_tracee(TaskTree& tree, Task& tracee, int signal) {
  Tracing& tracing = *tracee.links(tree).tracing;
  tracing.signal = signal;
  tracing.reported = true;
  tracing.stopped = tracing.listening = false;
  tracee.sleeper().wake();
}

void stop_tracing(TaskTree& tree, Task& tracee, int signal) {
  TaskLinks& links = tracee.links(tree);
  const std::shared_ptr<Tracing> tracing = links.tracing;
  if (!tracing) return;
  if (tracing->zombie) return release_zombie(tree, tracee);
  forget_tracing(tree, tracee);
  tracee.set_calls_watched(tree, tracee.seccomp() != nullptr);
  tracing->single_step = tracing->trace_calls = false;
  tracing->signal = signal;
  if (tracing->stopped) tracing->stopped = tracing->listening = false;
  // It looks at its flags, and at a stop of its group that it had left.
  tracee.interrupt(tree);
}

void release_tracees(TaskTree& tree, Task& tracer) {
  const std::vector<Task*> tracees = tracer.links(tree).tracees;
  for (Task* tracee : tracees) {
    const TaskPtr keep = tracee->shared_from_this();
    const std::shared_ptr<Tracing> tracing = tracee->links(tree).tracing;
    const bool kill = tracing && tracing->has(PTRACE_O_EXITKILL);
    stop_tracing(tree, *tracee, 0);
    if (kill) kill_group(tree, *tracee->group(), SIGKILL);
  }
}

bool is_traced_by(TaskTree& tree, ThreadGroup& group, const ThreadGroup& parent) {
  Task* leader = group.links(tree).leader;
  if (leader == nullptr) return false;
  const auto& tracing = leader->links(tree).tracing;
  return tracing && tracing->tracer->group().get() == &parent;
}

bool report_end_to_tracer(TaskTree& tree, Task& tracee, int status) {
  const std::shared_ptr<Tracing> tracing = tracee.links(tree).tracing;
  if (!tracing) return false;
  const ThreadGroupPtr group = tracee.group();
  const bool is_leader = group->links(tree).leader == &tracee;
  // As its parent the tracer hears of the process's end anyway.
  if (is_leader && group->links(tree).parent == tracing->tracer->group()) return false;
  tracing->stopped = false;
  tracing->zombie = true;
  tracing->exit_status = status;
  const bool exited = (status & 0x7f) == 0;
  notify_tracer(tree, tracee, exited ? CLD_EXITED : CLD_KILLED, exited ? status >> 8 & 0xff : status & 0x7f);
  return true;
}

void release_zombie(TaskTree& tree, Task& tracee) {
  const ThreadGroupPtr group = tracee.group();
  forget_tracing(tree, tracee);
  if (group->links(tree).leader != &tracee) return remove_task(tree, tracee);
  report_to_parent(tree, *group);
}

void notify_tracer(TaskTree& tree, Task& tracee, int child_code, int status) {
  const Tracing& tracing = *tracee.links(tree).tracing;
  const ThreadGroupPtr group = tracing.tracer->group();
  const SignalAction& action = (*group->links(tree).handlers)[SIGCHLD];
  const bool stop = child_code == CLD_TRAPPED || child_code == CLD_STOPPED;
  if (!is_ignore(action) && (!stop || (action.flags & SA_NOCLDSTOP) == 0)) {
    SignalInfo info;
    info.signo = SIGCHLD;
    info.code = child_code;
    info.set_sender(tracee.tid(*group->pid_namespace()), uid_shown_to(tree, *group, tracee));
    info.set_child(stop ? status & 0x7f : status, 0, 0);
    (void)send_signal_to_group(tree, *group, info);
  }
  group->child_events().notify(POLLIN);
}

std::optional<SignalInfo> report_signal(CurrentTask& task, const SignalInfo& info) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing || info.signo == SIGKILL) return info;
  const int signal = stop_for_tracer(task, {.code = info.signo, .info = info});
  if (signal == 0 || !valid_signal(signal)) return std::nullopt;
  auto tree = task.kernel().tasks().lock();
  SignalInfo result = tracing->info.value_or(info);
  if (signal != result.signo) {
    result = SignalInfo{};
    result.signo = signal;
    result.code = SI_USER;
    if (tracing->tracer != nullptr && task.task().links(*tree).tracing == tracing)
      result = user_signal(*tree, *tracing->tracer, task.group(), signal, SI_USER);
  }
  TaskSignals& own = task.task().signals(*tree);
  if (!own.blocked.contains(signal)) return result;
  (void)own.pending.add(result, std::numeric_limits<std::size_t>::max());
  return std::nullopt;
}

bool report_group_stop(CurrentTask& task) {
  std::shared_ptr<Tracing> tracing;
  int signal = 0;
  {
    auto tree = task.kernel().tasks().lock();
    tracing = task.task().links(*tree).tracing;
    signal = task.group().links(*tree).stop_signal;
    if (!tracing) return false;
    tracing->leaves_group_stop = true;
    tracing->wants_stop = false;
  }
  const int code = tracing->seized ? event_code(signal, PTRACE_EVENT_STOP) : signal;
  Stop stop{.code = code, .child_code = CLD_STOPPED};
  if (tracing->seized) stop.info = trap_info(task, code);
  (void)stop_for_tracer(task, stop);
  return true;
}

void report_pending_stops(CurrentTask& task) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing) return;
  if (take_flag(task, *tracing, &Tracing::executed)) {
    if (tracing->has(PTRACE_O_TRACEEXEC)) {
      report_event(task, PTRACE_EVENT_EXEC, tracing->message);
    } else if (!tracing->seized) {
      send_own_signal(task, SIGTRAP);
    }
    if (calls_traced(task)) report_call_exit(task);
    tracing->original_call = -1;
  }
  if (!take_flag(task, *tracing, &Tracing::wants_stop)) return;
  int signal = SIGTRAP;
  {
    auto tree = task.kernel().tasks().lock();
    const ThreadGroupLinks& links = task.group().links(*tree);
    if (links.stopped) signal = links.stop_signal;
  }
  const int code = event_code(signal, PTRACE_EVENT_STOP);
  (void)stop_for_tracer(task, {.code = code, .info = trap_info(task, code)});
}

void report_event(CurrentTask& task, int event, std::uint64_t message) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing || !tracing->has(1U << event) || !make_full(task, 0)) return;
  const int code = event_code(SIGTRAP, event);
  const int signal = stop_for_tracer(task, {.code = code, .info = trap_info(task, code), .message = message});
  if (signal != 0 && valid_signal(signal)) send_own_signal(task, signal);
}

bool calls_traced(CurrentTask& task) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  return tracing && tracing->trace_calls;
}

bool seccomp_suspended(CurrentTask& task) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  return tracing && tracing->has(PTRACE_O_SUSPEND_SECCOMP);
}

namespace {

void stop_at_call(CurrentTask& task, Tracing& tracing, std::uint8_t kind) {
  const int trap = tracing.has(PTRACE_O_TRACESYSGOOD) ? SIGTRAP | 0x80 : SIGTRAP;
  const int signal = stop_for_tracer(task, {.code = trap, .info = trap_info(task, trap), .call = kind});
  if (signal != 0 && valid_signal(signal)) send_own_signal(task, signal);
}

void note_call(CurrentTask& task, Tracing& tracing) {
  auto tree = task.kernel().tasks().lock();
  tracing.original_call = static_cast<std::int32_t>(task.event.number);
  tracing.call_arguments = task.event.args;
}

// What the tracer has made of the call.
void take_call(CurrentTask& task, const Tracing& tracing) {
  const Registers& registers = task.registers();
  task.event.number = static_cast<std::uint32_t>(tracing.original_call);
  task.event.args = {registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9};
}

}  // namespace

bool report_call_entry(CurrentTask& task) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing || !tracing->wants_calls()) return false;
  if (!make_full(task, -ENOSYS)) return false;
  task.registers().rax = static_cast<std::uint64_t>(-ENOSYS);
  note_call(task, *tracing);
  disarm_step(task, *tracing);
  if (tracing->trace_calls || tracing->emulate) {
    const bool emulate = tracing->emulate;  // as it was told before: the tracer may say something else now
    stop_at_call(task, *tracing, PTRACE_SYSCALL_INFO_ENTRY);
    take_call(task, *tracing);
    if (emulate) task.event.number = ~0U;  // skipped
  }
  return true;
}

void report_call_exit(CurrentTask& task) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing) return;
  if (tracing->trace_calls) {
    stop_at_call(task, *tracing, PTRACE_SYSCALL_INFO_EXIT);
  } else if (tracing->single_step) {
    // The step is done: it leads over the whole call.
    disarm_step(task, *tracing);
    SignalInfo info;
    info.signo = SIGTRAP;
    info.code = TRAP_BRKPT;
    info.set_fault(task.registers().rip);
    task.force_signal(info);
  }
}

bool report_seccomp(CurrentTask& task, std::uint32_t data) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing || !tracing->has(PTRACE_O_TRACESECCOMP)) return false;
  if (!make_full(task, -ENOSYS)) return true;
  note_call(task, *tracing);
  const int code = event_code(SIGTRAP, PTRACE_EVENT_SECCOMP);
  const int signal = stop_for_tracer(
      task, {.code = code, .info = trap_info(task, code), .message = data, .call = PTRACE_SYSCALL_INFO_SECCOMP});
  if (signal != 0 && valid_signal(signal)) send_own_signal(task, signal);
  take_call(task, *tracing);
  return true;
}

void note_exec(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  const std::shared_ptr<Tracing> tracing = task.task().links(*tree).tracing;
  if (!tracing) return;
  tracing->executed = true;
  tracing->steps = false;
  tracing->message = static_cast<std::uint64_t>(raw(task.task().tid(*tracing->tracer->pid_namespace())));
  task.task().interrupt(*tree);
}

void report_exit(CurrentTask& task, int status) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing || !tracing->has(PTRACE_O_TRACEEXIT)) return;
  report_event(task, PTRACE_EVENT_EXIT, static_cast<std::uint64_t>(status));
}

void report_handler_entry(CurrentTask& task) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing || !tracing->single_step) return;
  (void)stop_for_tracer(task, {.code = SIGTRAP, .info = trap_info(task, SIGTRAP)});
}

void show_interrupted_call(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  const std::shared_ptr<Tracing> tracing = task.task().links(*tree).tracing;
  if (!tracing) return;
  const bool call = task.event.kind == Event::Kind::kSyscall;
  tracing->original_call = call ? static_cast<std::int32_t>(task.event.number) : -1;
}

bool keeps_interrupted_call(CurrentTask& task, long shown_result) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (!tracing) return true;
  return tracing->original_call >= 0 && task.registers().rax == static_cast<std::uint64_t>(shown_result);
}

void leave_single_step(CurrentTask& task) {
  const std::shared_ptr<Tracing> tracing = tracing_of(task);
  if (tracing) disarm_step(task, *tracing);
}

int trace_new_child(TaskTree& tree, Task& parent, Task& child, std::uint64_t clone_flags, int exit_signal) {
  const std::shared_ptr<Tracing> tracing = parent.links(tree).tracing;
  if (!tracing) return 0;
  int event = 0;
  if ((clone_flags & CLONE_UNTRACED) == 0) {
    event = (clone_flags & CLONE_VFORK) != 0 ? PTRACE_EVENT_VFORK
            : exit_signal != SIGCHLD         ? PTRACE_EVENT_CLONE
                                             : PTRACE_EVENT_FORK;
    if (!tracing->has(1U << event)) event = 0;
  }
  if (event == 0 && (clone_flags & CLONE_PTRACE) == 0) return 0;
  start_tracing(tree, *tracing->tracer, child, tracing->seized, tracing->options);
  if (tracing->seized) {
    child.links(tree).tracing->wants_stop = true;
  } else {
    SignalInfo info;
    info.signo = SIGSTOP;
    (void)child.signals(tree).pending.add(info, kSignalCount);
  }
  child.note_work(tree);
  return event;
}

}  // namespace runsc
