// ptrace(2): the requests. boot/kernel/ptrace.h says how tracees stop.
#include "boot/kernel/ptrace.h"

#include <asm/prctl.h>
#include <elf.h>
#include <linux/audit.h>
#include <sys/user.h>

#include <algorithm>
#include <cstring>

#include "boot/kernel/exit.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/seccomp_filters.h"
#include "boot/kernel/signal_send.h"
#include "boot/memory/forced_copy.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/process_access.h"
#include "boot/syscalls/ptrace_registers.h"

namespace runsc {
namespace {

constexpr std::uint32_t kKnownOptions = 0x7f | PTRACE_O_TRACESECCOMP | PTRACE_O_EXITKILL | PTRACE_O_SUSPEND_SECCOMP;
constexpr std::uint64_t kUserSize = 928;  // the kernel's struct user, with two members more than the C library's

// A tracee of the caller that has stopped: what may be done to it while the tree is locked.
struct Stopped {
  TaskTree& tree;
  Task& task;
  Tracing& tracing;
  Context& context;
};

Result<Task*> find_tracee(TaskTree& tree, CurrentTask& task, Pid pid) {
  Task* found = task.task().pid_namespace()->find(tree, pid);
  if (found == nullptr) return Errno(ESRCH);
  const std::shared_ptr<Tracing>& tracing = found->links(tree).tracing;
  if (!tracing || tracing->tracer != &task.task()) return Errno(ESRCH);
  return found;
}

Result<Stopped> find_stopped(TaskTree& tree, CurrentTask& task, Pid pid) {
  Task* found = TRY(find_tracee(tree, task, pid));
  Tracing& tracing = *found->links(tree).tracing;
  Context* context = found->context(tree);
  if (!tracing.stopped || tracing.listening || found->links(tree).killed || context == nullptr) return Errno(ESRCH);
  return Stopped{tree, *found, tracing, *context};
}

// Runs `act` on the stopped tracee with the tree locked.
template <typename Act>
auto with_stopped(CurrentTask& task, Pid pid, Act act) -> decltype(act(std::declval<Stopped>())) {
  auto tree = task.kernel().tasks().lock();
  return act(TRY(find_stopped(*tree, task, pid)));
}

Result<std::shared_ptr<MemoryManager>> memory_of(CurrentTask& task, Pid pid) {
  return with_stopped(task, pid, [](Stopped tracee) -> Result<std::shared_ptr<MemoryManager>> {
    auto memory = tracee.task.memory();
    if (!memory) return Errno(ESRCH);
    return memory;
  });
}

Result<long> trace_me(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  const ThreadGroupLinks& links = task.group().links(*tree);
  if (task.task().links(*tree).tracing) return Errno(EPERM);
  if (!links.parent) return Errno(EPERM);
  Task* parent = links.parent_task != nullptr ? links.parent_task : links.parent->links(*tree).leader;
  if (parent == nullptr || parent->links(*tree).exited) return Errno(EPERM);
  start_tracing(*tree, *parent, task.task(), false, 0);
  return 0;
}

Result<void> check_options(CurrentTask& task, std::uint64_t options) {
  if ((options & ~std::uint64_t{kKnownOptions}) != 0) return Errno(EINVAL);
  if ((options & PTRACE_O_SUSPEND_SECCOMP) == 0) return {};
  if (!task.credentials()->has(CAP_SYS_ADMIN) || task.task().seccomp() != nullptr) return Errno(EPERM);
  return {};
}

Result<long> attach(CurrentTask& task, Pid pid, bool seize, std::uint64_t address, std::uint64_t options) {
  if (seize && (address != 0 || (options & ~std::uint64_t{kKnownOptions}) != 0)) return Errno(EIO);
  if (seize) TRY(check_options(task, options));
  TaskPtr target;
  {
    auto tree = task.kernel().tasks().lock();
    Task* found = task.task().pid_namespace()->find(*tree, pid);
    if (found == nullptr) return Errno(ESRCH);
    target = found->shared_from_this();
  }
  if (target->group() == task.task().group() || !may_attach(task, *target)) return Errno(EPERM);
  auto tree = task.kernel().tasks().lock();
  const TaskLinks& links = target->links(*tree);
  if (links.exited || links.tracing) return Errno(EPERM);
  start_tracing(*tree, task.task(), *target, seize, seize ? static_cast<std::uint32_t>(options) : 0);
  if (!seize) (void)send_signal(*tree, *target, kernel_signal(SIGSTOP));
  // One that stands still with its group does so as a tracee from now on.
  if (target->group()->links(*tree).stopped) target->interrupt(*tree);
  return 0;
}

void watch(Stopped& tracee) {
  const Tracing& tracing = tracee.tracing;
  tracee.task.set_calls_watched(tracee.tree, tracing.wants_calls() || tracee.task.seccomp() != nullptr);
  // Its futex calls are to be seen, too. Not in the middle of a call, which that would interrupt: it will stop again at
  // its exit.
  const bool in_call = tracing.call == PTRACE_SYSCALL_INFO_ENTRY || tracing.call == PTRACE_SYSCALL_INFO_SECCOMP;
  if ((tracing.trace_calls || tracing.emulate) && !tracing.guarded && !in_call)
    tracee.task.links(tracee.tree).guard_requested = true;
}

Result<long> resume(CurrentTask& task, Pid pid, std::int64_t request, std::uint64_t signal) {
  if (signal > kSignalCount) return Errno(EIO);
  return with_stopped(task, pid, [&](Stopped tracee) -> Result<long> {
    tracee.tracing.trace_calls = request == PTRACE_SYSCALL;
    tracee.tracing.emulate = request == PTRACE_SYSEMU || request == PTRACE_SYSEMU_SINGLESTEP;
    tracee.tracing.single_step = request == PTRACE_SINGLESTEP || request == PTRACE_SYSEMU_SINGLESTEP;
    watch(tracee);
    resume_tracee(tracee.tree, tracee.task, static_cast<int>(signal));
    return 0;
  });
}

Result<long> detach(CurrentTask& task, Pid pid, std::uint64_t signal) {
  if (signal > kSignalCount) return Errno(EIO);
  return with_stopped(task, pid, [&](Stopped tracee) -> Result<long> {
    stop_tracing(tracee.tree, tracee.task, static_cast<int>(signal));
    return 0;
  });
}

Result<long> interrupt(CurrentTask& task, Pid pid) {
  auto tree = task.kernel().tasks().lock();
  Task* tracee = TRY(find_tracee(*tree, task, pid));
  Tracing& tracing = *tracee->links(*tree).tracing;
  if (!tracing.seized) return Errno(EIO);
  tracing.wants_stop = true;
  if (tracing.listening) {
    tracing.stopped = tracing.listening = false;
    tracee->sleeper().wake();
  }
  tracee->interrupt(*tree);
  return 0;
}

Result<long> listen(CurrentTask& task, Pid pid) {
  return with_stopped(task, pid, [](Stopped tracee) -> Result<long> {
    if (!tracee.tracing.seized || tracee.tracing.code >> 8 != PTRACE_EVENT_STOP) return Errno(EIO);
    tracee.tracing.listening = true;
    tracee.task.sleeper().wake();
    return 0;
  });
}

Result<long> kill(CurrentTask& task, Pid pid) {
  auto tree = task.kernel().tasks().lock();
  Task* tracee = TRY(find_tracee(*tree, task, pid));
  if (!tracee->links(*tree).exited) kill_group(*tree, *tracee->group(), SIGKILL);
  return 0;
}

Result<long> peek(CurrentTask& task, Pid pid, std::uint64_t address, std::uint64_t to) {
  const auto memory = TRY(memory_of(task, pid));
  std::uint64_t word = 0;
  const auto read = forced_read(*memory, address, std::as_writable_bytes(std::span(&word, 1)));
  if (!read.ok() || *read != sizeof word) return Errno(EIO);
  TRY(task.write(UserOut<std::uint64_t>{{to}}, word));
  return 0;
}

Result<long> poke(CurrentTask& task, Pid pid, std::uint64_t address, std::uint64_t word) {
  const auto memory = TRY(memory_of(task, pid));
  const auto written = forced_write(*memory, address, std::as_bytes(std::span(&word, 1)));
  if (!written.ok() || *written != sizeof word) return Errno(EIO);
  return 0;
}

Result<user_regs_struct> registers_of(CurrentTask& task, Pid pid) {
  return with_stopped(task, pid, [](Stopped tracee) -> Result<user_regs_struct> {
    return shown_registers(tracee.context, tracee.tracing);
  });
}

// Words of struct user: the registers.
Result<long> peek_user(CurrentTask& task, Pid pid, std::uint64_t offset, std::uint64_t to) {
  const user_regs_struct registers = TRY(registers_of(task, pid));
  if (offset % sizeof(std::uint64_t) != 0 || offset >= kUserSize) return Errno(EIO);
  std::uint64_t word = 0;
  if (offset < sizeof registers)
    std::memcpy(&word, reinterpret_cast<const std::byte*>(&registers) + offset, sizeof word);
  if (const auto number = debug_register_at(offset))
    word = TRY(with_stopped(
        task, pid, [&](Stopped tracee) -> Result<std::uint64_t> { return debug_register(tracee.tracing, *number); }));
  TRY(task.write(UserOut<std::uint64_t>{{to}}, word));
  return 0;
}

Result<long> poke_user(CurrentTask& task, Pid pid, std::uint64_t offset, std::uint64_t word) {
  return with_stopped(task, pid, [&](Stopped tracee) -> Result<long> {
    if (offset % sizeof(std::uint64_t) != 0 || offset >= kUserSize) return Errno(EIO);
    user_regs_struct registers = shown_registers(tracee.context, tracee.tracing);
    if (offset >= sizeof registers) {
      const auto number = debug_register_at(offset);
      return number ? set_debug_register(tracee.tracing, *number, word) : Result<long>(Errno(EIO));
    }
    std::memcpy(reinterpret_cast<std::byte*>(&registers) + offset, &word, sizeof word);
    TRY(change_registers(tracee.context, tracee.tracing, registers));
    return 0;
  });
}

Result<std::vector<std::byte>> read_set(CurrentTask& task, Pid pid, std::uint64_t type) {
  return with_stopped(task, pid, [&](Stopped tracee) { return register_set(tracee.context, tracee.tracing, type); });
}

Result<long> write_set(CurrentTask& task, Pid pid, std::uint64_t type, std::span<const std::byte> bytes) {
  return with_stopped(task, pid, [&](Stopped tracee) -> Result<long> {
    TRY(change_register_set(tracee.context, tracee.tracing, type, bytes));
    return 0;
  });
}

// The whole of a set: PTRACE_GETREGS, PTRACE_SETREGS ..
Result<long> get_set(CurrentTask& task, Pid pid, std::uint64_t type, std::uint64_t to) {
  const std::vector<std::byte> bytes = TRY(read_set(task, pid, type));
  TRY(task.write_array(UserOut<std::byte>{{to}}, std::span<const std::byte>(bytes)));
  return 0;
}
Result<long> set_set(CurrentTask& task, Pid pid, std::uint64_t type, std::uint64_t from, std::size_t size) {
  TRY(registers_of(task, pid));
  return write_set(task, pid, type, TRY(task.read_array(UserIn<std::byte>{{from}}, size)));
}

// A part of a set, as the iovec says, which gets the true size.
Result<long> exchange_set(CurrentTask& task, Pid pid, std::uint64_t type, std::uint64_t address, bool set) {
  const std::vector<std::byte> present = TRY(read_set(task, pid, type));
  struct iovec vector = TRY(task.read(UserIn<struct iovec>{{address}}));
  const std::size_t unit = type == NT_X86_XSTATE ? 8 : sizeof(std::uint64_t);
  if (vector.iov_len % unit != 0) return Errno(EINVAL);
  const std::size_t count = std::min<std::size_t>(vector.iov_len, present.size());
  const auto base = reinterpret_cast<std::uint64_t>(vector.iov_base);
  if (set) {
    TRY(write_set(task, pid, type, TRY(task.read_array(UserIn<std::byte>{{base}}, count))));
  } else {
    TRY(task.write_array(UserOut<std::byte>{{base}}, std::span<const std::byte>(present).first(count)));
  }
  vector.iov_len = count;
  TRY(task.write(UserOut<struct iovec>{{address}}, vector));
  return 0;
}

Result<long> set_options(CurrentTask& task, Pid pid, std::uint64_t options) {
  return with_stopped(task, pid, [&](Stopped tracee) -> Result<long> {
    TRY(check_options(task, options));
    tracee.tracing.options = static_cast<std::uint32_t>(options);
    return 0;
  });
}

Result<long> get_message(CurrentTask& task, Pid pid, std::uint64_t to) {
  const std::uint64_t message =
      TRY(with_stopped(task, pid, [](Stopped tracee) -> Result<std::uint64_t> { return tracee.tracing.message; }));
  TRY(task.write(UserOut<std::uint64_t>{{to}}, message));
  return 0;
}

Result<long> get_info(CurrentTask& task, Pid pid, std::uint64_t to) {
  const SignalInfo info = TRY(with_stopped(task, pid, [](Stopped tracee) -> Result<SignalInfo> {
    if (!tracee.tracing.info) return Errno(EINVAL);
    return *tracee.tracing.info;
  }));
  TRY(task.write(UserOut<SignalInfo>{{to}}, info));
  return 0;
}

Result<long> set_info(CurrentTask& task, Pid pid, std::uint64_t from) {
  TRY(registers_of(task, pid));
  const SignalInfo info = TRY(task.read(UserIn<SignalInfo>{{from}}));
  return with_stopped(task, pid, [&](Stopped tracee) -> Result<long> {
    if (!tracee.tracing.info) return Errno(EINVAL);
    tracee.tracing.info = info;
    return 0;
  });
}

// PTRACE_PEEKSIGINFO: pending signals from the one numbered `off` on, in the order in which they will be taken.
Result<long> peek_pending(CurrentTask& task, Pid pid, std::uint64_t from, std::uint64_t to) {
  TRY(registers_of(task, pid));  // ESRCH comes first
  const auto wanted = TRY(task.read(UserIn<ptrace_peeksiginfo_args>{{from}}));
  if ((wanted.flags & ~std::uint32_t{PTRACE_PEEKSIGINFO_SHARED}) != 0 || wanted.nr < 0) return Errno(EINVAL);
  PendingSignals pending = TRY(with_stopped(task, pid, [&](Stopped tracee) -> Result<PendingSignals> {
    const bool shared = (wanted.flags & PTRACE_PEEKSIGINFO_SHARED) != 0;
    return shared ? tracee.task.group()->links(tracee.tree).pending : tracee.task.signals(tracee.tree).pending;
  }));
  std::vector<SignalInfo> infos;
  for (std::uint64_t number = 0; infos.size() < static_cast<std::size_t>(wanted.nr); ++number) {
    auto info = pending.take(~SignalSet());
    if (!info) break;
    if (number < wanted.off) continue;
    info->pad = 0;  // the kernel's own marks are not for programs
    infos.push_back(*info);
  }
  TRY(task.write_array(UserOut<SignalInfo>{{to}}, std::span<const SignalInfo>(infos)));
  return static_cast<long>(infos.size());
}

// The filters of a tracee, for whoever may see all of them. `found` gets the one of that number, the oldest being 0.
Result<SeccompFiltersPtr> filters_of(CurrentTask& task, Pid pid, std::uint64_t number) {
  TRY(registers_of(task, pid));  // ESRCH comes first
  if (!task.credentials()->has(CAP_SYS_ADMIN) || task.task().seccomp() != nullptr) return Errno(EACCES);
  SeccompFiltersPtr filters =
      TRY(with_stopped(task, pid, [](Stopped tracee) -> Result<SeccompFiltersPtr> { return tracee.task.seccomp(); }));
  if (!filters || filters->is_strict()) return Errno(EINVAL);
  if (number >= filters->count()) return Errno(ENOENT);
  return filters;
}

Result<long> get_filter(CurrentTask& task, Pid pid, std::uint64_t number, std::uint64_t to) {
  const SeccompFiltersPtr filters = TRY(filters_of(task, pid, number));
  const std::vector<sock_filter>& code = filters->filter(number).program.code();
  if (to != 0) TRY(task.write_array(UserOut<sock_filter>{{to}}, std::span<const sock_filter>(code)));
  return static_cast<long>(code.size());
}

Result<long> get_filter_metadata(CurrentTask& task, Pid pid, std::uint64_t size, std::uint64_t where) {
  TRY(registers_of(task, pid));  // ESRCH comes first
  if (!task.credentials()->has(CAP_SYS_ADMIN) || task.task().seccomp() != nullptr) return Errno(EACCES);
  if (size < sizeof(std::uint64_t)) return Errno(EINVAL);
  seccomp_metadata data{};
  data.filter_off = TRY(task.read(UserIn<std::uint64_t>{{where}}));
  const SeccompFiltersPtr filters = TRY(filters_of(task, pid, data.filter_off));
  if (filters->filter(data.filter_off).log) data.flags = SECCOMP_FILTER_FLAG_LOG;
  const auto bytes = std::as_bytes(std::span(&data, 1)).first(std::min<std::uint64_t>(size, sizeof data));
  TRY(task.write_array(UserOut<std::byte>{{where}}, bytes));
  return static_cast<long>(bytes.size());
}

// arch_prctl(2) for a tracee.
Result<long> exchange_base(CurrentTask& task, Pid pid, std::uint64_t code, std::uint64_t address) {
  user_regs_struct registers = TRY(registers_of(task, pid));
  const bool fs = code == ARCH_SET_FS || code == ARCH_GET_FS;
  auto& base = fs ? registers.fs_base : registers.gs_base;
  switch (code) {
    case ARCH_GET_FS:
    case ARCH_GET_GS:
      TRY(task.write(UserOut<std::uint64_t>{{address}}, std::uint64_t{base}));
      return 0;
    case ARCH_SET_FS:
    case ARCH_SET_GS:
      if (address >= kTaskSize) return Errno(EPERM);
      return with_stopped(task, pid, [&](Stopped tracee) -> Result<long> {
        base = address;
        TRY(change_registers(tracee.context, tracee.tracing, registers));
        return 0;
      });
    default:
      return Errno(EINVAL);
  }
}

Result<long> get_mask(CurrentTask& task, Pid pid, std::uint64_t size, std::uint64_t to) {
  if (size != sizeof(SignalSet)) return Errno(EINVAL);
  const SignalSet mask = TRY(with_stopped(
      task, pid, [](Stopped tracee) -> Result<SignalSet> { return tracee.task.signals(tracee.tree).blocked; }));
  TRY(task.write(UserOut<SignalSet>{{to}}, mask));
  return 0;
}

Result<long> set_mask(CurrentTask& task, Pid pid, std::uint64_t size, std::uint64_t from) {
  if (size != sizeof(SignalSet)) return Errno(EINVAL);
  const SignalSet mask = TRY(task.read(UserIn<SignalSet>{{from}}));
  return with_stopped(task, pid, [&](Stopped tracee) -> Result<long> {
    set_blocked_signals(tracee.tree, tracee.task, mask);
    return 0;
  });
}

ptrace_syscall_info describe_call(Stopped tracee, std::size_t& size) {
  const Registers& registers = tracee.context.registers();
  const Tracing& tracing = tracee.tracing;
  ptrace_syscall_info info{};
  info.op = tracing.call;
  info.arch = AUDIT_ARCH_X86_64;
  info.instruction_pointer = registers.rip;
  info.stack_pointer = registers.rsp;
  size = offsetof(ptrace_syscall_info, entry);
  if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
    const auto value = static_cast<std::int64_t>(registers.rax);
    info.exit.rval = value;
    info.exit.is_error = value < 0 && value >= -4095;
    size = offsetof(ptrace_syscall_info, exit.is_error) + sizeof info.exit.is_error;
  } else if (info.op != PTRACE_SYSCALL_INFO_NONE) {
    info.entry.nr = static_cast<std::uint64_t>(tracing.original_call);
    const std::uint64_t arguments[] = {registers.rdi, registers.rsi, registers.rdx,
                                       registers.r10, registers.r8,  registers.r9};
    std::copy(std::begin(arguments), std::end(arguments), std::begin(info.entry.args));
    size = sizeof info.entry + offsetof(ptrace_syscall_info, entry);
    if (info.op == PTRACE_SYSCALL_INFO_SECCOMP) {
      info.seccomp.ret_data = static_cast<std::uint32_t>(tracing.message);
      size = offsetof(ptrace_syscall_info, seccomp.ret_data) + sizeof info.seccomp.ret_data;
    }
  }
  return info;
}

Result<long> get_call(CurrentTask& task, Pid pid, std::uint64_t room, std::uint64_t to) {
  std::size_t size = 0;
  const ptrace_syscall_info info = TRY(with_stopped(
      task, pid, [&](Stopped tracee) -> Result<ptrace_syscall_info> { return describe_call(tracee, size); }));
  const auto bytes = std::as_bytes(std::span(&info, 1)).first(std::min<std::uint64_t>(room, size));
  TRY(task.write_array(UserOut<std::byte>{{to}}, bytes));
  return static_cast<long>(size);
}

Result<long> get_rseq(CurrentTask& task, Pid pid, std::uint64_t room, std::uint64_t to) {
  const RseqArea area =
      TRY(with_stopped(task, pid, [](Stopped tracee) -> Result<RseqArea> { return tracee.context.rseq(); }));
  ptrace_rseq_configuration out{};
  out.rseq_abi_pointer = area.address;
  out.rseq_abi_size = area.length;
  out.signature = area.signature;
  const auto bytes = std::as_bytes(std::span(&out, 1)).first(std::min<std::uint64_t>(room, sizeof out));
  TRY(task.write_array(UserOut<std::byte>{{to}}, bytes));
  return sizeof out;
}

}  // namespace

Result<long> sys_ptrace(CurrentTask& task, std::int64_t request, Pid pid, UserAddress address, UserAddress data) {
  const std::uint64_t a = address.value, d = data.value;
  switch (request) {
    case PTRACE_TRACEME:
      return trace_me(task);
    case PTRACE_ATTACH:
      return attach(task, pid, false, a, d);
    case PTRACE_SEIZE:
      return attach(task, pid, true, a, d);
    case PTRACE_INTERRUPT:
      return interrupt(task, pid);
    case PTRACE_KILL:
      return kill(task, pid);
    case PTRACE_LISTEN:
      return listen(task, pid);
    case PTRACE_DETACH:
      return detach(task, pid, d);
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP:
    case PTRACE_SYSEMU:
    case PTRACE_SYSEMU_SINGLESTEP:
      return resume(task, pid, request, d);
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
      return peek(task, pid, a, d);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      return poke(task, pid, a, d);
    case PTRACE_PEEKUSR:
      return peek_user(task, pid, a, d);
    case PTRACE_POKEUSR:
      return poke_user(task, pid, a, d);
    case PTRACE_GETREGS:
      return get_set(task, pid, NT_PRSTATUS, d);
    case PTRACE_SETREGS:
      return set_set(task, pid, NT_PRSTATUS, d, sizeof(user_regs_struct));
    case PTRACE_GETFPREGS:
      return get_set(task, pid, NT_FPREGSET, d);
    case PTRACE_SETFPREGS:
      return set_set(task, pid, NT_FPREGSET, d, sizeof(user_fpregs_struct));
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
      return exchange_set(task, pid, a, d, request == PTRACE_SETREGSET);
    case PTRACE_SETOPTIONS:
    case PTRACE_OLDSETOPTIONS:
      return set_options(task, pid, d);
    case PTRACE_GETEVENTMSG:
      return get_message(task, pid, d);
    case PTRACE_GETSIGINFO:
      return get_info(task, pid, d);
    case PTRACE_SETSIGINFO:
      return set_info(task, pid, d);
    case PTRACE_PEEKSIGINFO:
      return peek_pending(task, pid, a, d);
    case PTRACE_SECCOMP_GET_FILTER:
      return get_filter(task, pid, a, d);
    case PTRACE_SECCOMP_GET_METADATA:
      return get_filter_metadata(task, pid, a, d);
    case PTRACE_ARCH_PRCTL:
      return exchange_base(task, pid, d, a);
    case PTRACE_GETSIGMASK:
      return get_mask(task, pid, a, d);
    case PTRACE_SETSIGMASK:
      return set_mask(task, pid, a, d);
    case PTRACE_GET_SYSCALL_INFO:
      return get_call(task, pid, a, d);
    case PTRACE_GET_RSEQ_CONFIGURATION:
      return get_rseq(task, pid, a, d);
    default:
      TRY(registers_of(task, pid));  // ESRCH comes first
      return Errno(EIO);
  }
}

}  // namespace runsc
