// Tracing one task by another (ptrace(2)). boot/syscalls/ptrace.cc serves the requests; here is what happens in the
// tracee, and how both sides are tied together.
//
// A tracee stops on its own task thread, with a full event (all registers known), in stop_for_tracer(). While
// Tracing::stopped is set the tracer may read and change its registers under the tree's lock, which the tracee needs to
// go on. Stops are reported by SIGCHLD and wait4(2), as children's are; a traced thread that ends stays as a zombie
// until its tracer has waited for it.
//
// A tracee whose calls are traced runs with ThreadState::no_native_calls: its futex calls are seen, too.
#pragma once

#include <linux/ptrace.h>

#include <array>
#include <memory>
#include <optional>

#include "boot/kernel/task.h"

namespace runsc {

class CurrentTask;

struct Tracing {
  Task* tracer = nullptr;  // tracers let go of their tracees before they vanish
  bool seized = false;     // PTRACE_SEIZE, not PTRACE_ATTACH or PTRACE_TRACEME
  std::uint32_t options = 0;

  // The present stop.
  bool stopped = false;
  bool listening = false;  // PTRACE_LISTEN: stays stopped, but no request but INTERRUPT finds it so
  bool reported = true;    // wait4(2) has told of it
  int code = 0;            // the signal, and the event above its low byte
  int child_code = 0;      // CLD_TRAPPED, CLD_STOPPED
  std::optional<SignalInfo> info;
  std::uint64_t message = 0;  // PTRACE_GETEVENTMSG
  std::uint8_t call = PTRACE_SYSCALL_INFO_NONE;
  std::int64_t original_call = -1;  // orig_rax: the call that the task is in; -1: none
  std::int64_t call_result = 0;     // at the exit from it
  std::array<std::uint64_t, 6> call_arguments{};

  // How it was told to go on.
  int signal = 0;
  bool trace_calls = false;
  bool emulate = false;  // PTRACE_SYSEMU: calls stop at their entry and are not carried out
  bool single_step = false;

  bool guarded = false;            // its calls are all seen (TaskLinks::guard_requested has been served)
  bool steps = false;              // the trap flag is set for single_step, and not by the application
  bool wants_stop = false;         // PTRACE_INTERRUPT, or the first stop of a new tracee
  bool leaves_group_stop = false;  // runs though its group is stopped
  bool executed = false;           // execve(2) is to be reported at the first instruction
  std::uint64_t debug_status = 0;  // DR6, as far as it differs from its initial value
  bool zombie = false;             // a thread that has ended, and was not waited for
  int exit_status = 0;

  // Whether something makes it stop before it runs application code again.
  bool pending() const { return wants_stop || executed; }
  // Whether each call is to be looked at.
  bool wants_calls() const { return trace_calls || emulate || single_step; }
  bool has(std::uint32_t option) const { return (options & option) != 0; }
};

// --- both sides, under the tree's lock

// Ties them together. `stop`: the tracee stops soon (PTRACE_ATTACH, new children); not for PTRACE_SEIZE and TRACEME.
void start_tracing(TaskTree& tree, Task& tracer, Task& tracee, bool seized, std::uint32_t options);
// PTRACE_DETACH, and the end of the tracer: the tracee goes on (with `signal`) as if it had never been traced.
void stop_tracing(TaskTree& tree, Task& tracee, int signal);
// The tracer ends.
void release_tracees(TaskTree& tree, Task& tracer);
// Lets a stopped tracee go on.
void resume_tracee(TaskTree& tree, Task& tracee, int signal);
// A tracer has waited for the end of its tracee: a thread vanishes, a process is a zombie of its parent from now on.
void release_zombie(TaskTree& tree, Task& tracee);
// The tracee vanishes.
void forget_tracing(TaskTree& tree, Task& tracee);
// Whether `group` is traced by a thread of `parent` (its real parent, then).
bool is_traced_by(TaskTree& tree, ThreadGroup& group, const ThreadGroup& parent);
// Tells the tracer that its tracee has stopped or ended.
void notify_tracer(TaskTree& tree, Task& tracee, int child_code, int status);
// The end of a traced task. True: its tracer hears of it first, and releases it.
bool report_end_to_tracer(TaskTree& tree, Task& tracee, int status);

// --- the tracee's own thread

// A signal that is about to be delivered. What remains of it; nullopt: nothing.
std::optional<SignalInfo> report_signal(CurrentTask& task, const SignalInfo& info);
// The group is stopped. False: the task is not traced, or has left the stop already.
bool report_group_stop(CurrentTask& task);
// Stops that are due before the task runs application code.
void report_pending_stops(CurrentTask& task);
// PTRACE_EVENT_*, if the tracer wants to hear of it.
void report_event(CurrentTask& task, int event, std::uint64_t message);
// Before and after a call, if these are traced; the first may change number and arguments. False: not traced.
bool report_call_entry(CurrentTask& task);
void report_call_exit(CurrentTask& task);
bool calls_traced(CurrentTask& task);
// PTRACE_O_SUSPEND_SECCOMP.
bool seccomp_suspended(CurrentTask& task);
// PTRACE_EVENT_SECCOMP. False: no tracer wants it.
bool report_seccomp(CurrentTask& task, std::uint32_t data);
// What the registers show of the call that a signal has interrupted; and whether the tracer has left it to be
// restarted.
void show_interrupted_call(CurrentTask& task);
bool keeps_interrupted_call(CurrentTask& task, long shown_result);
// After execve(2).
void note_exec(CurrentTask& task);
// Before the end.
void report_exit(CurrentTask& task, int status);
// A handler was entered in the middle of a single step.
void report_handler_entry(CurrentTask& task);
// The first trap after a single step, which the task's flags must not show.
void leave_single_step(CurrentTask& task);
// CLONE_PTRACE and PTRACE_O_TRACEFORK ..: a child that is traced from its start. Returns the event to report.
int trace_new_child(TaskTree& tree, Task& parent, Task& child, std::uint64_t clone_flags, int exit_signal);

}  // namespace runsc
