// clone(2), fork(2), vfork(2), clone3(2), unshare(2).
#include <linux/sched.h>

#include <algorithm>
#include <cstring>

#include "boot/kernel/current_task.h"
#include "boot/kernel/exit.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/ptrace.h"
#include "boot/kernel/seccomp_check.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/pidfd_hook.h"
#include "boot/syscalls/sysv_common.h"

namespace runsc {
namespace {

// struct clone_args (linux/sched.h), CLONE_ARGS_SIZE_VER2.
struct CloneArguments {
  std::uint64_t flags = 0, pidfd = 0, child_tid = 0, parent_tid = 0, exit_signal = 0, stack = 0, stack_size = 0,
                tls = 0, set_tid = 0, set_tid_size = 0, cgroup = 0;
};
static_assert(sizeof(CloneArguments) == 88);
constexpr std::size_t kCloneArgumentsFirstSize = 64;

constexpr std::uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                         CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;
// Namespaces that can be made inside: those that are names and numbers of this kernel alone.
constexpr std::uint64_t kServedNamespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUSER;

Result<void> check_new_namespaces(CurrentTask& task, std::uint64_t flags) {
  if ((flags & kNewNamespaces) == 0) return {};
  if ((flags & kNewNamespaces & ~kServedNamespaces) != 0) return Errno(EINVAL);
  // A new user namespace is made first, and its maker may make the others in it.
  if ((flags & CLONE_NEWUSER) == 0 && !task.credentials()->has_at_home(CAP_SYS_ADMIN)) return Errno(EPERM);
  return {};
}

// chroot(2): who is locked in must not get the capability to leave.
bool is_chrooted(CurrentTask& task) {
  const FsContext::State state = task.fs().snapshot();
  return state.root != follow_mounts(state.mounts->root_path());
}

// user_namespaces(7): in a namespace of its own a task has all capabilities, and these count nowhere else.
Result<CredentialsPtr> credentials_in_new_namespace(CurrentTask& task) {
  if (is_chrooted(task)) return Errno(EPERM);
  auto next = std::make_shared<Credentials>(*task.credentials());
  next->user_namespace = TRY(UserNamespace::make(next->user_namespace, next->effective_uid, next->effective_gid));
  give_all_capabilities(*next);
  return CredentialsPtr(std::move(next));
}

IpcNamespacePtr new_ipc_namespace(const CredentialsPtr& owner) {
  auto made = std::make_shared<IpcNamespace>();
  made->owner = owner->user_namespace;
  return made;
}

UtsNamespacePtr copy_names(const UtsNamespacePtr& names, const CredentialsPtr& owner) {
  UtsNames copy = *names->lock();
  copy.owner = owner->user_namespace;
  return std::make_shared<UtsNamespace>(std::move(copy));
}

Result<void> check_flags(CurrentTask& task, const CloneArguments& arguments) {
  const std::uint64_t flags = arguments.flags;
  const auto both = [&](std::uint64_t mask) { return (flags & mask) == mask; };
  if (both(CLONE_NEWNS | CLONE_FS) || both(CLONE_NEWUSER | CLONE_FS)) return Errno(EINVAL);
  if ((flags & CLONE_THREAD) != 0 && (flags & CLONE_SIGHAND) == 0) return Errno(EINVAL);
  if ((flags & CLONE_SIGHAND) != 0 && (flags & CLONE_VM) == 0) return Errno(EINVAL);
  if (both(CLONE_THREAD | CLONE_NEWPID) || both(CLONE_THREAD | CLONE_NEWUSER)) return Errno(EINVAL);
  if (both(CLONE_SIGHAND | CLONE_CLEAR_SIGHAND)) return Errno(EINVAL);
  if (both(CLONE_THREAD | CLONE_PIDFD)) return Errno(EINVAL);
  if (arguments.exit_signal > kSignalCount) return Errno(EINVAL);
  return check_new_namespaces(task, flags);
}

std::shared_ptr<SignalHandlers> child_handlers(TaskTree& tree, CurrentTask& task, std::uint64_t flags) {
  const auto& own = task.group().links(tree).handlers;
  if ((flags & CLONE_SIGHAND) != 0) return own;
  auto copy = std::make_shared<SignalHandlers>(*own);
  if ((flags & CLONE_CLEAR_SIGHAND) != 0) {
    for (SignalAction& action : copy->actions)
      if (action.handler != reinterpret_cast<std::uint64_t>(SIG_IGN)) action = SignalAction{};
  }
  return copy;
}

Result<TaskResources> child_resources(CurrentTask& task, std::uint64_t flags) {
  TaskResources resources = task.task().resources();
  if ((flags & CLONE_NEWUSER) != 0) resources.credentials = TRY(credentials_in_new_namespace(task));
  if ((flags & CLONE_VM) == 0) resources.memory = TRY(task.memory().fork());
  if ((flags & CLONE_FILES) == 0) resources.files = resources.files->copy();
  if ((flags & CLONE_FS) == 0) resources.fs = resources.fs->copy();
  if ((flags & CLONE_NEWNS) != 0) resources.fs->unshare_mounts(resources.credentials->user_namespace);
  if ((flags & CLONE_NEWUTS) != 0) resources.uts = copy_names(resources.uts, resources.credentials);
  if ((flags & CLONE_NEWIPC) != 0) resources.ipc = new_ipc_namespace(resources.credentials);
  return resources;
}

Kernel::NewTask describe_child(CurrentTask& task, const CloneArguments& arguments, TaskResources resources) {
  Kernel::NewTask child;
  child.resources = std::move(resources);
  auto tree = task.kernel().tasks().lock();
  child.blocked = task.task().signals(*tree).blocked;
  if ((arguments.flags & CLONE_THREAD) != 0) {
    child.group = task.task().group();
    return child;
  }
  const ThreadGroupPtr own = task.task().group();
  const ThreadGroupLinks& links = own->links(*tree);
  const bool sibling = (arguments.flags & CLONE_PARENT) != 0 && links.parent != nullptr;
  child.parent = sibling ? links.parent : own;
  child.parent_task = sibling ? links.parent_task : &task.task();
  child.pid_namespace =
      (arguments.flags & CLONE_NEWPID) != 0
          ? std::make_shared<PidNamespace>(task.task().pid_namespace(), child.resources.credentials->user_namespace)
          : task.child_pid_namespace();
  child.control_group = own->control_group();
  child.process_group = links.group;
  child.handlers = child_handlers(*tree, task, arguments.flags);
  child.limits = own->limits().all();
  child.exit_signal = sibling ? links.exit_signal : static_cast<int>(arguments.exit_signal);
  return child;
}

// The registers that the child starts with.
ThreadState child_state(CurrentTask& task, const CloneArguments& arguments, const SeccompFiltersPtr& filters) {
  ThreadState state;
  state.registers = task.registers();
  state.registers.rax = 0;
  if (arguments.stack != 0) state.registers.rsp = arguments.stack + arguments.stack_size;
  if ((arguments.flags & CLONE_SETTLS) != 0) state.registers.fs_base = arguments.tls;
  const auto fp = task.context().fp_state();
  state.fp_state.assign(fp.begin(), fp.end());
  if ((arguments.flags & CLONE_VM) == 0) state.rseq = task.context().rseq();
  state.no_native_calls = filters && !filters->allows_native_calls();
  return state;
}

void copy_attributes(const Task& from, Task& to) {
  const int policy = from.scheduling_policy.load();
  // sched(7), "Resetting scheduling policy for child processes".
  const bool reset = (policy & SCHED_RESET_ON_FORK) != 0;
  const bool real_time = (policy & ~SCHED_RESET_ON_FORK) == SCHED_FIFO || (policy & ~SCHED_RESET_ON_FORK) == SCHED_RR;
  to.nice = reset ? std::max(from.nice.load(), 0) : from.nice.load();
  to.scheduling_policy = !reset ? policy : real_time ? SCHED_OTHER : policy & ~SCHED_RESET_ON_FORK;
  to.scheduling_priority = reset ? 0 : from.scheduling_priority.load();
  to.io_priority = from.io_priority.load();
  to.affinity = from.affinity.load();
  to.timer_slack_ns = from.timer_slack_ns.load();
  to.personality = from.personality.load();
}

void inherit_from_parent(CurrentTask& task, const CloneArguments& arguments, CurrentTask& child) {
  copy_attributes(task.task(), child.task());
  if ((arguments.flags & CLONE_THREAD) == 0) {
    child.group().dumpable = task.group().dumpable.load();
    child.group().oom_score_adj = task.group().oom_score_adj.load();
    child.group().oom_score_adj_min = task.group().oom_score_adj_min.load();
  }
  const bool keeps_stack = (arguments.flags & (CLONE_VM | CLONE_VFORK)) != CLONE_VM;
  if (keeps_stack) child.signal_stack = task.signal_stack;
  if ((arguments.flags & CLONE_CHILD_CLEARTID) != 0) child.clear_child_tid = {arguments.child_tid};
}

// Another thread may have put all of the group under new filters since the child's resources were copied.
void inherit_new_filters(Task& parent, Task& child) {
  auto tree = parent.kernel().tasks().lock();
  const SeccompFiltersPtr filters = parent.seccomp();
  if (filters && filters != child.seccomp()) set_seccomp(*tree, child, filters);
}

// Results that the caller asked to be stored. Linux ignores faults of the child's.
Result<void> store_ids(CurrentTask& task, const CloneArguments& arguments, CurrentTask& child, Pid id) {
  if ((arguments.flags & CLONE_PARENT_SETTID) != 0)
    TRY(task.write(UserOut<int>{{arguments.parent_tid}}, static_cast<int>(raw(id))));
  if ((arguments.flags & CLONE_CHILD_SETTID) != 0)
    (void)child.write(UserOut<int>{{arguments.child_tid}}, static_cast<int>(raw(child.task().tid())));
  return {};
}

int trace_child(CurrentTask& task, Task& child, const CloneArguments& arguments) {
  auto tree = task.kernel().tasks().lock();
  return trace_new_child(*tree, task.task(), child, arguments.flags, static_cast<int>(arguments.exit_signal));
}

Result<long> do_clone(CurrentTask& task, const CloneArguments& arguments) {
  TRY(check_flags(task, arguments));
  TaskResources resources = TRY(child_resources(task, arguments.flags));
  const std::shared_ptr<MemoryManager> memory = resources.memory;
  const ThreadState state = child_state(task, arguments, resources.seccomp);
  std::unique_ptr<Context> context = TRY(memory->space().new_context(state));
  TaskPtr created = TRY(task.kernel().create_task(describe_child(task, arguments, std::move(resources))));
  auto child = std::make_unique<CurrentTask>(created, std::move(context));
  inherit_from_parent(task, arguments, *child);
  if (task.task().calls_watched()) inherit_new_filters(task.task(), *created);

  const Pid id = created->tid(*task.task().pid_namespace());
  std::shared_ptr<VforkCompletion> completion;
  if ((arguments.flags & CLONE_VFORK) != 0) {
    completion = std::make_shared<VforkCompletion>();
    auto tree = task.kernel().tasks().lock();
    created->links(*tree).vfork_completion = completion;
  }
  Result<void> stored = store_ids(task, arguments, *child, id);
  if (stored.ok() && (arguments.flags & CLONE_PIDFD) != 0)
    stored = store_pidfd(task, created->group(), UserOut<int>{{arguments.pidfd}});
  if (!stored.ok()) {
    child.reset();
    task.kernel().discard(created);
    return stored.error();
  }
  const int event = trace_child(task, *created, arguments);
  task.kernel().start(std::move(child));
  if (event != 0) report_event(task, event, static_cast<std::uint64_t>(raw(id)));
  if (completion) {
    task.wait_killably(completion->queue, [&] { return completion->done.load(std::memory_order_acquire); });
    report_event(task, PTRACE_EVENT_VFORK_DONE, static_cast<std::uint64_t>(raw(id)));
  }
  return raw(id);
}

}  // namespace

Result<long> sys_clone(CurrentTask& task, CloneFlags flags, UserAddress stack, UserOut<int> parent_tid,
                       UserOut<int> child_tid, std::uint64_t tls) {
  CloneArguments arguments;
  // clone(2) takes 32 bits of flags: the new ones exist only for clone3(2).
  arguments.flags = flags.bits & 0xffffffff & ~0xffULL;
  arguments.exit_signal = flags.bits & CSIGNAL;
  arguments.stack = stack.value;
  arguments.parent_tid = parent_tid.value;
  arguments.child_tid = child_tid.value;
  arguments.tls = tls;
  // CLONE_PIDFD stores where CLONE_PARENT_SETTID would.
  if ((arguments.flags & CLONE_PIDFD) != 0) {
    if ((arguments.flags & CLONE_PARENT_SETTID) != 0) return Errno(EINVAL);
    arguments.pidfd = parent_tid.value;
  }
  return do_clone(task, arguments);
}

Result<long> sys_fork(CurrentTask& task) {
  CloneArguments arguments;
  arguments.exit_signal = SIGCHLD;
  return do_clone(task, arguments);
}

Result<long> sys_vfork(CurrentTask& task) {
  CloneArguments arguments;
  arguments.flags = CLONE_VFORK | CLONE_VM;
  arguments.exit_signal = SIGCHLD;
  return do_clone(task, arguments);
}

Result<long> sys_clone3(CurrentTask& task, UserIn<std::byte> address, std::size_t size) {
  if (size > kPageSize) return Errno(E2BIG);
  if (size < kCloneArgumentsFirstSize) return Errno(EINVAL);
  const std::vector<std::byte> bytes = TRY(task.read_array(address, size));
  CloneArguments arguments;
  const std::size_t known = std::min(size, sizeof arguments);
  std::memcpy(&arguments, bytes.data(), known);
  const auto not_zero = [](std::byte b) { return b != std::byte{0}; };
  if (std::any_of(bytes.begin() + static_cast<std::ptrdiff_t>(known), bytes.end(), not_zero)) return Errno(E2BIG);
  constexpr std::uint64_t kClone3Flags = CLONE_CLEAR_SIGHAND | CLONE_INTO_CGROUP;
  if ((arguments.flags & ~(0xffffffffULL | kClone3Flags)) != 0) return Errno(EINVAL);
  if ((arguments.flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) != 0) return Errno(EINVAL);
  if ((arguments.flags & CLONE_INTO_CGROUP) != 0) return Errno(EBADF);
  if ((arguments.flags & (CLONE_THREAD | CLONE_PARENT)) != 0 && arguments.exit_signal != 0) return Errno(EINVAL);
  if ((arguments.stack == 0) != (arguments.stack_size == 0)) return Errno(EINVAL);
  if ((arguments.set_tid == 0) != (arguments.set_tid_size == 0)) return Errno(EINVAL);
  if (arguments.set_tid != 0) return Errno(EPERM);
  return do_clone(task, arguments);
}

Result<long> sys_unshare(CurrentTask& task, CloneFlags flags) {
  constexpr std::uint64_t kKnown =
      CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM | kNewNamespaces;
  if ((flags.bits & ~kKnown) != 0) return Errno(EINVAL);
  TRY(check_new_namespaces(task, flags.bits));
  if ((flags.bits & CLONE_NEWUSER) != 0) flags.bits |= CLONE_THREAD | CLONE_FS;
  if ((flags.bits & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) != 0) {
    auto tree = task.kernel().tasks().lock();
    if (task.group().links(*tree).living > 1) return Errno(EINVAL);
  }
  if ((flags.bits & CLONE_NEWUSER) != 0) task.set_credentials(TRY(credentials_in_new_namespace(task)));
  const UserNamespacePtr& owner = task.credentials()->user_namespace;
  if ((flags.bits & CLONE_FILES) != 0) task.set_files(task.files().copy());
  if ((flags.bits & (CLONE_FS | CLONE_NEWNS)) != 0) task.set_fs(task.fs().copy());
  if ((flags.bits & CLONE_NEWNS) != 0) task.fs().unshare_mounts(owner);
  if ((flags.bits & CLONE_NEWUTS) != 0) {
    auto names = copy_names(task.task().resources().uts, task.credentials());
    task.task().change_resources([&](TaskResources& r) { r.uts.swap(names); });
  }
  if ((flags.bits & CLONE_NEWIPC) != 0) enter_ipc_namespace(task, new_ipc_namespace(task.credentials()));
  if ((flags.bits & CLONE_NEWPID) != 0)
    task.set_child_pid_namespace(std::make_shared<PidNamespace>(task.task().pid_namespace(), owner));
  return 0;
}

}  // namespace runsc
