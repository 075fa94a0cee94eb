#include "boot/kernel/signal_state.h"

#include <algorithm>

namespace runsc {
namespace {

bool is_timer_signal(const SignalInfo& queued, const SignalInfo& info) {
  return queued.code == SI_TIMER && queued.pad == info.pad;
}

// Who sends with kill(2), or is the kernel, is not told that the details of a signal were lost.
bool may_lose_details(const SignalInfo& info) {
  return !is_real_time(info.signo) || info.code == SI_USER || info.code == SI_KERNEL;
}

}  // namespace

Result<void> PendingSignals::add(const SignalInfo& info, std::size_t limit) {
  const int signal = info.signo;
  if (!is_real_time(signal) && set_.contains(signal)) return {};
  const bool unlimited = !is_real_time(signal) && info.code >= 0;
  if (unlimited || queue_.size() < limit) {
    queue_.push_back(info);
  } else if (!may_lose_details(info)) {
    return Errno(EAGAIN);
  }
  set_.add(signal);
  return {};
}

void PendingSignals::add_timer_signal(const SignalInfo& info) {
  queue_.push_back(info);
  set_.add(info.signo);
}

bool PendingSignals::has_timer_signal(const SignalInfo& info) const {
  return std::any_of(queue_.begin(), queue_.end(), [&](const SignalInfo& q) { return is_timer_signal(q, info); });
}

void PendingSignals::discard_timer_signal(const SignalInfo& info) {
  if (std::erase_if(queue_, [&](const SignalInfo& q) { return is_timer_signal(q, info); }) != 0)
    forget_if_last(info.signo);
}

std::deque<SignalInfo>::iterator PendingSignals::find(int signal) {
  return std::find_if(queue_.begin(), queue_.end(), [&](const SignalInfo& q) { return q.signo == signal; });
}

void PendingSignals::forget_if_last(int signal) {
  if (find(signal) == queue_.end()) set_.remove(signal);
}

std::optional<SignalInfo> PendingSignals::take(SignalSet wanted) {
  const SignalSet candidates = set_ & wanted;
  if (candidates.empty()) return std::nullopt;
  const SignalSet urgent = candidates & kSynchronousSignals;
  const int signal = (urgent.empty() ? candidates : urgent).first();
  SignalInfo info;
  info.signo = signal;  // code SI_USER of pid 0: what Linux says when the details were lost
  const auto it = find(signal);
  if (it != queue_.end()) {
    info = *it;
    queue_.erase(it);
  }
  forget_if_last(signal);
  return info;
}

void PendingSignals::discard(SignalSet signals) {
  if ((set_ & signals).empty()) return;
  set_ = set_ & ~signals;
  std::erase_if(queue_, [&](const SignalInfo& q) { return signals.contains(q.signo); });
}

void SignalHandlers::reset_for_exec() {
  for (SignalAction& action : actions) {
    const std::uint64_t kept = is_ignore(action) ? action.handler : 0;
    action = SignalAction{};
    action.handler = kept;
  }
}

DefaultAction default_action(int signal) {
  switch (signal) {
    case SIGCHLD:
    case SIGURG:
    case SIGWINCH:
      return DefaultAction::kIgnore;
    case SIGCONT:
      return DefaultAction::kContinue;
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return DefaultAction::kStop;
    case SIGQUIT:
    case SIGILL:
    case SIGTRAP:
    case SIGABRT:
    case SIGBUS:
    case SIGFPE:
    case SIGSEGV:
    case SIGXCPU:
    case SIGXFSZ:
    case SIGSYS:
      return DefaultAction::kCore;
    default:
      return DefaultAction::kTerminate;
  }
}

}  // namespace runsc
