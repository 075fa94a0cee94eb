#include "boot/kernel/seccomp_check.h"

#include <linux/audit.h>
#include <sys/syscall.h>

#include <algorithm>

#include "boot/base/log.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/ptrace.h"

namespace runsc {
namespace {

constexpr int kSysSeccomp = 1;  // SYS_SECCOMP
constexpr std::uint32_t kMostErrno = 4095;

seccomp_data describe(const Event& event) {
  seccomp_data call{};
  call.nr = static_cast<int>(event.number);
  call.arch = AUDIT_ARCH_X86_64;
  call.instruction_pointer = event.instruction_pointer;
  std::copy(event.args.begin(), event.args.end(), std::begin(call.args));
  return call;
}

bool strict_allows(std::uint64_t number) {
  return number == SYS_read || number == SYS_write || number == SYS_exit || number == SYS_rt_sigreturn;
}

void trap(CurrentTask& task, const seccomp_data& call, std::uint32_t data) {
  SignalInfo info;
  info.signo = SIGSYS;
  info.code = kSysSeccomp;
  info.error = static_cast<std::int32_t>(data);
  info.set_syscall(call.instruction_pointer, call.nr, call.arch);
  task.force_signal(info);
}

void log_action(CurrentTask& task, const seccomp_data& call, const char* action) {
  LOG(INFO) << "seccomp filter of task " << raw(task.task().tid()) << " (" << task.task().name() << "): " << action
            << " system call " << call.nr;
}

void kill_thread(CurrentTask& task) {
  bool last;
  {
    auto tree = task.kernel().tasks().lock();
    last = task.group().links(*tree).living == 1;
  }
  last ? task.exit_group(SIGSYS) : task.exit_task(SIGSYS);
}

std::optional<Result<long>> apply(CurrentTask& task, const seccomp_data& call, std::uint32_t result);

// The tracer may have changed the call: the filters are asked once more, and it has had its say.
std::optional<Result<long>> after_tracer(CurrentTask& task) {
  constexpr std::uint32_t kSkipped = ~0U;
  if (task.ending()) return Result<long>(Errno(ENOSYS));
  if (task.killed()) return Result<long>(kRestartNoIntr);
  if (task.event.number == kSkipped) return Result<long>(static_cast<long>(task.registers().rax));
  const seccomp_data call = describe(task.event);
  const SeccompFiltersPtr filters = task.task().seccomp();
  const std::uint32_t result = filters ? filters->evaluate(call) : SECCOMP_RET_ALLOW;
  if ((result & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE) return std::nullopt;
  return apply(task, call, result);
}

std::optional<Result<long>> apply(CurrentTask& task, const seccomp_data& call, std::uint32_t result) {
  const std::uint32_t data = result & SECCOMP_RET_DATA;
  switch (result & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return std::nullopt;
    case SECCOMP_RET_LOG:
      log_action(task, call, "logs");
      return std::nullopt;
    case SECCOMP_RET_ERRNO:
      // Errno 0 is success: the call does nothing.
      if (data == 0) return Result<long>(0);
      return Result<long>(Errno(static_cast<int>(std::min(data, kMostErrno))));
    case SECCOMP_RET_TRAP:
      // The handler finds the registers as they were before the call.
      trap(task, call, data);
      return Result<long>(static_cast<long>(call.nr));
    case SECCOMP_RET_TRACE:
      if (report_seccomp(task, data)) return after_tracer(task);
      return Result<long>(Errno(ENOSYS));
    case SECCOMP_RET_USER_NOTIF:
      return Result<long>(Errno(ENOSYS));  // nobody listens
    case SECCOMP_RET_KILL_THREAD:
      log_action(task, call, "kills the thread for");
      kill_thread(task);
      return Result<long>(Errno(ENOSYS));
    default:
      log_action(task, call, "kills the process for");
      task.exit_group(SIGSYS);
      return Result<long>(Errno(ENOSYS));
  }
}

// Filters that another thread has put this one under bring its no_new_privs along.
void take_over_no_new_privileges(CurrentTask& task) {
  auto credentials = std::make_shared<Credentials>(*task.credentials());
  credentials->no_new_privileges = true;
  task.set_credentials(std::move(credentials));
}

}  // namespace

std::optional<Result<long>> check_seccomp(CurrentTask& task) {
  const SeccompFiltersPtr filters = task.task().seccomp();
  const Event& event = task.event;
  if (!filters || seccomp_suspended(task)) return std::nullopt;
  if (filters->is_strict()) {
    if (strict_allows(event.number)) return std::nullopt;
    task.exit_task(SIGKILL);
    return Result<long>(Errno(ENOSYS));
  }
  if (filters->no_new_privileges() && !task.credentials()->no_new_privileges) take_over_no_new_privileges(task);
  if (filters->always_allows(event.number)) return std::nullopt;
  const seccomp_data call = describe(event);
  return apply(task, call, filters->evaluate(call));
}

void set_seccomp(TaskTree& tree, Task& task, SeccompFiltersPtr filters) {
  const bool guard = !filters->allows_native_calls();
  task.change_resources([&](TaskResources& resources) { resources.seccomp.swap(filters); });
  task.set_calls_watched(tree, true);
  if (!guard) return;
  task.links(tree).guard_requested = true;
  task.interrupt(tree);
}

}  // namespace runsc
