// pidfd_open(2) and what works on its descriptors.
#include "boot/fs/anon/pid_fd.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/names_process.h"
#include "boot/kernel/signal_send.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/pidfd_hook.h"

namespace runsc {
namespace {

Result<std::shared_ptr<PidFd>> pidfd_of(CurrentTask& task, Fd fd) {
  auto file = std::dynamic_pointer_cast<PidFd>(TRY(task.io_file(fd)));
  if (file == nullptr) return Errno(EBADF);
  return file;
}

// A directory of /proc does as well: that was how a process was named before pidfd_open(2).
Result<ThreadGroupPtr> signalled_group(CurrentTask& task, Fd fd) {
  const FilePtr file = TRY(task.io_file(fd));
  if (const auto pidfd = std::dynamic_pointer_cast<PidFd>(file)) return pidfd->group();
  const auto directory = std::dynamic_pointer_cast<NamesProcess>(file->inode());
  if (directory == nullptr) return Errno(EBADF);
  return directory->named_process();
}

// What the sender may claim about itself: rt_sigqueueinfo(2) has the same rule.
Result<std::optional<SignalInfo>> read_signal_info(CurrentTask& task, UserIn<SignalInfo> from,
                                                   const ThreadGroup& target, int signal) {
  if (!from) return std::optional<SignalInfo>();
  SignalInfo info = TRY(task.read(from));
  info.pad = 0;  // the kernel's own marks are not for programs
  if (info.signo != signal) return Errno(EINVAL);
  if (&target != &task.group() && (info.code >= 0 || info.code == SI_TKILL)) return Errno(EPERM);
  return std::optional<SignalInfo>(info);
}

// ptrace(2), "Ptrace access mode checking", PTRACE_MODE_ATTACH_REALCREDS.
Result<void> may_attach(CurrentTask& task, const Credentials& target) {
  const Credentials& own = *task.credentials();
  const bool same_user = target.real_uid == own.real_uid && target.effective_uid == own.real_uid &&
                         target.saved_uid == own.real_uid && target.real_gid == own.real_gid &&
                         target.effective_gid == own.real_gid && target.saved_gid == own.real_gid;
  if (own.has_in(target.user_namespace, CAP_SYS_PTRACE)) return {};
  if (same_user && target.user_namespace == own.user_namespace && target.permitted.subset_of(own.permitted)) return {};
  return Errno(EPERM);
}

TaskPtr leader_of(CurrentTask& task, ThreadGroup& group) {
  auto tree = task.kernel().tasks().lock();
  Task* leader = group.links(*tree).leader;
  return leader != nullptr ? leader->shared_from_this() : nullptr;
}

}  // namespace

Result<void> store_pidfd(CurrentTask& task, const ThreadGroupPtr& group, UserOut<int> where) {
  const Fd fd = TRY(task.install(std::make_shared<PidFd>(group, 0), true));
  const auto stored = task.write(where, static_cast<int>(raw(fd)));
  if (!stored.ok()) (void)task.files().remove(fd);
  return stored;
}

Result<PidfdTarget> pidfd_target(CurrentTask& task, Fd fd) {
  const auto file = TRY(pidfd_of(task, fd));
  return PidfdTarget{file->group(), file->flags().nonblocking()};
}

Result<long> sys_pidfd_open(CurrentTask& task, Pid pid, unsigned flags) {
  if ((flags & ~static_cast<unsigned>(O_NONBLOCK)) != 0 || raw(pid) <= 0) return Errno(EINVAL);
  ThreadGroupPtr group;
  {
    auto tree = task.kernel().tasks().lock();
    Task* target = task.task().pid_namespace()->find(*tree, pid);
    if (target == nullptr) return Errno(ESRCH);
    group = target->group();
    if (group->links(*tree).leader != target) return Errno(EINVAL);
  }
  const Fd fd = TRY(task.install(std::make_shared<PidFd>(std::move(group), flags), true));
  return raw(fd);
}

Result<long> sys_pidfd_send_signal(CurrentTask& task, Fd fd, Signal signal, UserIn<SignalInfo> info, unsigned flags) {
  if (flags != 0) return Errno(EINVAL);
  const ThreadGroupPtr group = TRY(signalled_group(task, fd));
  if (raw(signal) < 0 || raw(signal) > kSignalCount) return Errno(EINVAL);
  if (raw(group->pid(*task.task().pid_namespace())) == 0 && !group->ended()) return Errno(EINVAL);
  const std::optional<SignalInfo> claimed = TRY(read_signal_info(task, info, *group, raw(signal)));
  auto tree = task.kernel().tasks().lock();
  Task* leader = group->links(*tree).leader;
  if (leader == nullptr || group->links(*tree).tasks.empty()) return Errno(ESRCH);
  TRY(may_signal(*tree, task.task(), *task.credentials(), *leader, raw(signal)));
  if (raw(signal) == 0) return 0;
  const SignalInfo sent = claimed ? claimed_signal(*tree, task.task(), *group, *claimed)
                                  : user_signal(*tree, task.task(), *group, raw(signal), SI_USER);
  TRY(send_signal_to_group(*tree, *group, sent, origin_of(task.group(), *group)));
  return 0;
}

Result<long> sys_pidfd_getfd(CurrentTask& task, Fd pidfd, Fd wanted, unsigned flags) {
  if (flags != 0) return Errno(EINVAL);
  const ThreadGroupPtr group = TRY(pidfd_target(task, pidfd)).group;
  const TaskPtr leader = leader_of(task, *group);
  if (leader == nullptr) return Errno(ESRCH);
  const TaskResources resources = leader->resources();
  if (resources.files == nullptr || resources.credentials == nullptr) return Errno(ESRCH);
  TRY(may_attach(task, *resources.credentials));
  const Fd fd = TRY(task.install(TRY(resources.files->get(wanted)), true));
  return raw(fd);
}

}  // namespace runsc
