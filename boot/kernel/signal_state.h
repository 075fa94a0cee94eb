// Signal state of tasks and thread groups. Everything here is reached only with the task tree's lock held
// (task_tree.h).
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "boot/abi/signal.h"
#include "boot/base/result.h"

namespace runsc {

// What a processor exception raises: taken before all others, so that the handler sees the registers of the fault.
inline constexpr SignalSet kSynchronousSignals = SignalSet::of(SIGSEGV) | SignalSet::of(SIGBUS) |
                                                 SignalSet::of(SIGILL) | SignalSet::of(SIGTRAP) |
                                                 SignalSet::of(SIGFPE) | SignalSet::of(SIGSYS);
inline constexpr SignalSet kStopSignals =
    SignalSet::of(SIGSTOP) | SignalSet::of(SIGTSTP) | SignalSet::of(SIGTTIN) | SignalSet::of(SIGTTOU);
inline constexpr int kFirstRealTimeSignal = 32;  // of the kernel; the C library keeps some for itself

constexpr bool valid_signal(int signal) { return signal >= 1 && signal <= kSignalCount; }
constexpr bool is_real_time(int signal) { return signal >= kFirstRealTimeSignal; }

// The signals sent to one task or one thread group and not yet delivered (signal(7): standard signals once, real-time
// ones queued in order, lower numbers first).
class PendingSignals {
 public:
  // EAGAIN: a real-time signal beyond `limit` queued ones (RLIMIT_SIGPENDING) that its sender wants to know about; from
  // kill(2) and the kernel it becomes pending without its siginfo.
  // A standard signal that is pending already is dropped, which is success.
  Result<void> add(const SignalInfo& info, std::size_t limit);
  // The signal of a POSIX timer, which is queued beside others of its number; at most one for each timer.
  void add_timer_signal(const SignalInfo& info);
  // Whether the signal of the timer that `info.pad` names is queued.
  bool has_timer_signal(const SignalInfo& info) const;
  void discard_timer_signal(const SignalInfo& info);
  // Removes and returns the next signal in `wanted`: synchronous ones first, then by number.
  std::optional<SignalInfo> take(SignalSet wanted);
  void discard(SignalSet signals);
  SignalSet set() const { return set_; }
  std::size_t queued() const { return queue_.size(); }

 private:
  std::deque<SignalInfo>::iterator find(int signal);
  void forget_if_last(int signal);

  SignalSet set_;
  std::deque<SignalInfo> queue_;  // a pending signal has no entry here when its siginfo was lost
};

// Dispositions, shared by CLONE_SIGHAND.
struct SignalHandlers {
  SignalAction actions[kSignalCount];  // of signal n at n-1

  SignalAction& operator[](int signal) { return actions[signal - 1]; }
  const SignalAction& operator[](int signal) const { return actions[signal - 1]; }

  // execve(2): handlers of the old program become the default; what was ignored stays ignored.
  void reset_for_exec();
};

inline bool is_default(const SignalAction& action) {
  return action.handler == reinterpret_cast<std::uint64_t>(SIG_DFL);
}
inline bool is_ignore(const SignalAction& action) { return action.handler == reinterpret_cast<std::uint64_t>(SIG_IGN); }

enum class DefaultAction { kTerminate, kIgnore, kCore, kStop, kContinue };
DefaultAction default_action(int signal);

// Of one task.
struct TaskSignals {
  PendingSignals pending;
  SignalSet blocked;
  // While sigtimedwait(2) waits: these wake it although they are blocked.
  SignalSet waiting_for;
};

}  // namespace runsc
