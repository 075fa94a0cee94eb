// Signal state of tasks and thread groups. Everything here is reached only with the task tree's lock held (task_tree.h).
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "boot/abi/signal.h"
#include "boot/base/result.h"

namespace runsc {

// The signals sent to one task or one thread group and not yet delivered (signal(7): standard signals once, real-time
// ones queued in order, lower numbers first).
class PendingSignals {
 public:
  // EAGAIN: a real-time signal beyond `limit` queued ones (RLIMIT_SIGPENDING) that its sender wants to know about.
  // A standard signal that is pending already is dropped, which is success.
  Result<void> add(const SignalInfo& info, std::size_t limit);
  // Removes and returns the next signal in `wanted`: synchronous ones first, then by number.
  std::optional<SignalInfo> take(SignalSet wanted);
  void discard(SignalSet signals);
  SignalSet set() const { return set_; }
  std::size_t queued() const { return queue_.size(); }

 private:
  SignalSet set_;
  std::deque<SignalInfo> queue_;
};

// Dispositions, shared by CLONE_SIGHAND.
struct SignalHandlers {
  SignalAction actions[kSignalCount];  // of signal n at n-1

  SignalAction& operator[](int signal) { return actions[signal - 1]; }
  const SignalAction& operator[](int signal) const { return actions[signal - 1]; }
};

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
