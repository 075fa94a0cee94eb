// Sending signals: what kill(2) and its relatives, timers, terminals, children and the kernel itself do. All of it
// happens with the task tree's lock held, so that nobody misses a signal between looking and sleeping.
//
// What a signal does at once, before anybody takes it (kernel/signal.c names it prepare and complete): ignored signals
// are dropped unless blocked; a stop signal and SIGCONT remove each other, and SIGCONT lets a stopped group go on; a
// signal that will certainly end the process marks the group as exiting, so that no thread runs on meanwhile; the init
// of a pid namespace hears only what it has a handler for, and from outside also SIGKILL and SIGSTOP.
#pragma once

#include <optional>

#include "boot/abi/signal.h"
#include "boot/base/result.h"
#include "boot/kernel/task.h"

namespace runsc {

class CurrentTask;
class ProcessGroup;

// Where a signal comes from, for the protection of inits.
enum class SignalOrigin {
  kOutside,          // the kernel, the control server, or a task that the receiver's pid namespace does not show
  kInsideNamespace,  // a task of the receiver's pid namespace or of one below
};

// To one thread. EAGAIN: see PendingSignals::add(). A task that is ending drops it, which is success.
Result<void> send_signal(TaskTree& tree, Task& task, const SignalInfo& info,
                         SignalOrigin origin = SignalOrigin::kOutside);

// To a process: one thread that does not block it is chosen, `preferred` (null: the main thread) if possible.
Result<void> send_signal_to_group(TaskTree& tree, ThreadGroup& group, const SignalInfo& info,
                                  SignalOrigin origin = SignalOrigin::kOutside, Task* preferred = nullptr);

// To every member, by the kernel (terminals, orphaned groups).
void send_signal_to_process_group(TaskTree& tree, ProcessGroup& group, const SignalInfo& info);

// kill(2), "Permissions": EPERM. Threads of one process may always signal each other.
Result<void> may_signal(TaskTree& tree, Task& sender, const Credentials& credentials, Task& target, int signal);

// Whether the group is the init of its pid namespace.
bool is_namespace_init(TaskTree& tree, const ThreadGroup& group);

// The real uid of `task`, as the user namespace of `viewer` shows it: 65534 if it does not map it.
Uid uid_shown_to(TaskTree& tree, ThreadGroup& viewer, const Task& task);

// The origin of a signal that `sender` sends to `target`.
SignalOrigin origin_of(ThreadGroup& sender, const ThreadGroup& target);

// The signal that a POSIX timer of `group` sends (info.code SI_TIMER, info.pad the timer's own number): to `thread`, or
// to the group when that is null. False: it is ignored or lost. The caller has checked that it is not queued already.
bool send_timer_signal(TaskTree& tree, ThreadGroup& group, Task* thread, const SignalInfo& info);

// Siginfo as the kernel fills it in.
SignalInfo kernel_signal(int signal);  // SI_KERNEL
// SI_USER, SI_TKILL; the sender is named as the target's namespaces know it.
SignalInfo user_signal(TaskTree& tree, Task& sender, ThreadGroup& target, int signal, int code);
// A siginfo that the sender has made itself: the pid and uid that it names, as the target's namespaces know them.
SignalInfo claimed_signal(TaskTree& tree, Task& sender, ThreadGroup& target, SignalInfo info);
SignalInfo io_signal(int signal, int code, int fd, std::int64_t band);  // SIGIO; code: POLL_IN ..
// SIGCHLD, or another exit signal, of `child` to its parent: CLD_* and what si_status holds.
SignalInfo child_signal(TaskTree& tree, ThreadGroup& child, int signal, int code, int status);

// A signal that the present system call causes to its own thread: SIGPIPE, SIGXFSZ. As from kill(2) by itself.
void raise_signal(CurrentTask& task, int signal);

// The signals that the task would take now.
SignalSet deliverable_signals(TaskTree& tree, Task& task);

// Removes the next pending signal in `wanted` from the task's queue, else from its group's. Every taker (delivery,
// sigtimedwait, signalfd) goes through here, since timers start their next period when their signal is taken.
std::optional<SignalInfo> dequeue_signal(TaskTree& tree, Task& task, SignalSet wanted);

// Removes pending signals of a group and all its threads.
void discard_pending(TaskTree& tree, ThreadGroup& group, SignalSet signals);

// Sets the mask (SIGKILL and SIGSTOP stay unblocked); has another thread look at signals of the process that this one
// would have taken and now blocks.
void set_blocked_signals(TaskTree& tree, Task& task, SignalSet mask);

// Whether the task still has something to look at; clears or sets its work flag accordingly. By its own thread.
void recalculate_work(TaskTree& tree, Task& task);

// For the exit, after Task::links().exited is set: signals of the process that this thread might have been woken for
// wake another one, and a group stop that waited only for this thread is complete.
void leave_signals(TaskTree& tree, Task& task);

}  // namespace runsc
