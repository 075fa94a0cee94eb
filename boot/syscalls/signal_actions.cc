// What a process does about signals: rt_sigaction(2), rt_sigprocmask(2), rt_sigpending(2), sigaltstack(2),
// rt_sigreturn(2).
#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_delivery.h"
#include "boot/kernel/signal_frame.h"
#include "boot/kernel/signal_send.h"
#include "boot/syscalls/full_registers.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

constexpr std::uint64_t kRestorerFlag = 0x04000000;  // SA_RESTORER
constexpr std::uint64_t kExposeTagBits = 0x800;      // SA_EXPOSE_TAGBITS
// Others are cleared, so that programs can find out what is known.
constexpr std::uint64_t kKnownFlags = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER |
                                      static_cast<std::uint32_t>(SA_RESETHAND) | kRestorerFlag | kExposeTagBits;

bool ignores(const SignalAction& action, int signal) {
  const DefaultAction by_default = default_action(signal);
  const bool ignored = by_default == DefaultAction::kIgnore || by_default == DefaultAction::kContinue;
  return is_ignore(action) || (is_default(action) && ignored);
}

// Returns the old action.
SignalAction change_action(CurrentTask& task, int signal, const std::optional<SignalAction>& wanted) {
  auto tree = task.kernel().tasks().lock();
  SignalAction& action = (*task.group().links(*tree).handlers)[signal];
  const SignalAction old = action;
  if (!wanted) return old;
  action = *wanted;
  action.flags &= kKnownFlags;
  action.mask = action.mask & ~kUnblockable;
  // POSIX: pending signals that become ignored are gone, even blocked ones.
  if (ignores(action, signal)) discard_pending(*tree, task.group(), SignalSet::of(signal));
  return old;
}

Result<SignalSet> changed_mask(int how, SignalSet old, SignalSet argument) {
  switch (how) {
    case SIG_BLOCK:
      return old | argument;
    case SIG_UNBLOCK:
      return old & ~argument;
    case SIG_SETMASK:
      return argument;
    default:
      return Errno(EINVAL);
  }
}

// `sp`: the stack pointer, which says whether the alternate stack is in use.
Result<long> exchange_stack(CurrentTask& task, UserIn<SignalStack> wanted, UserOut<SignalStack> old, std::uint64_t sp) {
  constexpr std::uint32_t kFlagBits = 1U << 31;  // SS_AUTODISARM
  const auto next = wanted ? std::optional(TRY(task.read(wanted))) : std::nullopt;
  SignalStack present = task.signal_stack;
  const auto flags = static_cast<std::uint32_t>(present.flags) & kFlagBits;
  present.flags = static_cast<std::int32_t>(static_cast<std::uint32_t>(signal_stack_status(present, sp)) | flags);
  if (next) TRY(change_signal_stack(task.signal_stack, *next, sp));
  if (old) TRY(task.write(old, present));
  return 0;
}

}  // namespace

Result<long> sys_rt_sigaction(CurrentTask& task, Signal number, UserIn<SignalAction> wanted, UserOut<SignalAction> old,
                              std::size_t set_size) {
  if (set_size != sizeof(SignalSet)) return Errno(EINVAL);
  const auto action = wanted ? std::optional(TRY(task.read(wanted))) : std::nullopt;
  const int signal = raw(number);
  if (!valid_signal(signal) || (action && kUnblockable.contains(signal))) return Errno(EINVAL);
  const SignalAction before = change_action(task, signal, action);
  if (old) TRY(task.write(old, before));
  return 0;
}

Result<long> sys_rt_sigprocmask(CurrentTask& task, int how, UserIn<SignalSet> set, UserOut<SignalSet> old,
                                std::size_t set_size) {
  if (set_size != sizeof(SignalSet)) return Errno(EINVAL);
  const SignalSet before = task.blocked_signals();
  if (set) {
    const SignalSet argument = TRY(task.read(set));
    const SignalSet mask = TRY(changed_mask(how, before, argument));
    if (mask != before) task.set_blocked_signals(mask);
  }
  if (old) TRY(task.write(old, before));
  return 0;
}

Result<long> sys_rt_sigpending(CurrentTask& task, UserOut<SignalSet> set, std::size_t set_size) {
  if (set_size > sizeof(SignalSet)) return Errno(EINVAL);
  SignalSet pending;
  {
    auto tree = task.kernel().tasks().lock();
    const TaskSignals& own = task.task().signals(*tree);
    pending = (own.pending.set() | task.group().links(*tree).pending.set()) & own.blocked;
  }
  TRY(task.write_array(UserOut<std::byte>{{set.value}}, std::as_bytes(std::span(&pending, 1)).first(set_size)));
  return 0;
}

Result<long> sys_sigaltstack(CurrentTask& task, UserIn<SignalStack> wanted, UserOut<SignalStack> old) {
  // Without a stack it does not matter where the thread is.
  if (task.signal_stack.size == 0) return exchange_stack(task, wanted, old, 0);
  return with_full_registers(task, [&] { return exchange_stack(task, wanted, old, task.registers().rsp); });
}

Result<long> sys_rt_sigreturn(CurrentTask& task) {
  return_from_handler(task);
  return 0;
}

// The kernel continues interrupted calls by itself (CurrentTask::handle_work); a program that calls this has none.
Result<long> sys_restart_syscall(CurrentTask&) { return Errno(EINTR); }

}  // namespace runsc
