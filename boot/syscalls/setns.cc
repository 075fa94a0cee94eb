// setns(2).
#include <sched.h>

#include "boot/fs/anon/pid_fd.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/names_namespace.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/process_access.h"
#include "boot/syscalls/sysv_common.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

namespace runsc {
namespace {

constexpr int kAllKinds = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
                          CLONE_NEWNET | CLONE_NEWTIME;

// Everything that a call changes: applied when all of it is allowed.
struct Entry {
  CredentialsPtr credentials;
  std::shared_ptr<FsContext> fs;
  UtsNamespacePtr names;
  IpcNamespacePtr ipc;
  PidNamespacePtr pids;

  bool has_in(const UserNamespacePtr& owner, int capability) const { return credentials->has_in(owner, capability); }
  // Of the namespace's owner, and at home.
  bool is_admin_of(const UserNamespacePtr& owner) const {
    return has_in(owner, CAP_SYS_ADMIN) && credentials->has_at_home(CAP_SYS_ADMIN);
  }
};

// Whether the caller's root and working directory are its own; the task and the call hold them.
bool shares_fs(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  long users = 0;
  for (const TaskPtr& each : task.group().links(*tree).tasks)
    if (!each->links(*tree).exited && each->fs().get() == &task.fs()) ++users;
  return users > 1;
}

bool is_single_threaded(CurrentTask& task) {
  auto tree = task.kernel().tasks().lock();
  return task.group().links(*tree).living == 1;
}

Result<void> enter_users(CurrentTask& task, Entry& entry, const UserNamespacePtr& users) {
  if (users == entry.credentials->user_namespace || !is_single_threaded(task) || shares_fs(task)) return Errno(EINVAL);
  if (!entry.has_in(users, CAP_SYS_ADMIN)) return Errno(EPERM);
  auto next = std::make_shared<Credentials>(*entry.credentials);
  next->user_namespace = users;
  give_all_capabilities(*next);
  entry.credentials = std::move(next);
  return {};
}

Result<void> enter_mounts(CurrentTask& task, Entry& entry, const MountNamespacePtr& mounts) {
  const bool may_change_root = entry.credentials->has_at_home(CAP_SYS_CHROOT);
  if (!entry.is_admin_of(mounts->owner()) || !may_change_root) return Errno(EPERM);
  if (shares_fs(task)) return Errno(EINVAL);
  entry.fs = task.fs().copy();
  entry.fs->enter_mounts(mounts);
  return {};
}

Result<void> enter_pids(CurrentTask& task, Entry& entry, const PidNamespacePtr& pids) {
  if (!entry.is_admin_of(pids->owner())) return Errno(EPERM);
  for (PidNamespacePtr at = pids; at != task.task().pid_namespace(); at = at->parent())
    if (!at->parent()) return Errno(EINVAL);  // children go down the tree, never up
  entry.pids = pids;
  return {};
}

Result<void> enter(CurrentTask& task, Entry& entry, const NamedNamespace& target) {
  switch (target.kind) {
    case CLONE_NEWUSER:
      return enter_users(task, entry, target.users);
    case CLONE_NEWNS:
      return enter_mounts(task, entry, target.mounts);
    case CLONE_NEWPID:
      return enter_pids(task, entry, target.pids);
    case CLONE_NEWUTS:
      if (!entry.is_admin_of(target.owner())) return Errno(EPERM);
      entry.names = target.names;
      return {};
    case CLONE_NEWIPC:
      if (!entry.is_admin_of(target.owner())) return Errno(EPERM);
      entry.ipc = target.ipc;
      return {};
    case CLONE_NEWTIME:
      if (!is_single_threaded(task)) return Errno(EUSERS);
      [[fallthrough]];
    default:  // there is one of each, and the caller is in it
      if (!entry.is_admin_of(nullptr)) return Errno(EPERM);
      return {};
  }
}

void apply(CurrentTask& task, Entry entry) {
  if (entry.credentials != task.credentials()) task.set_credentials(std::move(entry.credentials));
  if (entry.fs) task.set_fs(std::move(entry.fs));
  if (entry.names) task.task().change_resources([&](TaskResources& r) { r.uts.swap(entry.names); });
  if (entry.ipc) enter_ipc_namespace(task, std::move(entry.ipc));
  if (entry.pids) task.set_child_pid_namespace(std::move(entry.pids));
}

// All namespaces of a process that `kinds` names.
Result<std::vector<NamedNamespace>> namespaces_of(CurrentTask& task, ThreadGroup& group, int kinds) {
  if (kinds == 0 || (kinds & ~kAllKinds) != 0) return Errno(EINVAL);
  TaskPtr leader;
  {
    auto tree = task.kernel().tasks().lock();
    Task* found = group.links(*tree).leader;
    if (found != nullptr && !found->links(*tree).exited) leader = found->shared_from_this();
  }
  const TaskResources theirs = leader ? leader->resources() : TaskResources{};
  if (!theirs.fs || !theirs.credentials) return Errno(ESRCH);
  if (!may_attach(task, *leader)) return Errno(EPERM);
  std::vector<NamedNamespace> all;
  // The user namespace first: it decides about the others.
  for (const int kind : {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWCGROUP,
                         CLONE_NEWNET, CLONE_NEWTIME}) {
    if ((kinds & kind) == 0) continue;
    all.push_back(name_namespace(theirs, group.pid_namespace(), kind));
  }
  return all;
}

Result<std::vector<NamedNamespace>> targets(CurrentTask& task, Fd fd, int kind) {
  const FilePtr file = TRY(task.io_file(fd));
  if (const auto process = std::dynamic_pointer_cast<PidFd>(file)) return namespaces_of(task, *process->group(), kind);
  const auto inode = std::dynamic_pointer_cast<NamesNamespace>(file->inode());
  if (!inode || (kind != 0 && kind != inode->named_namespace().kind)) return Errno(EINVAL);
  return std::vector{inode->named_namespace()};
}

}  // namespace

Result<long> sys_setns(CurrentTask& task, Fd fd, int kind) {
  Entry entry{task.credentials(), nullptr, nullptr, nullptr, nullptr};
  for (const NamedNamespace& target : TRY(targets(task, fd, kind))) TRY(enter(task, entry, target));
  apply(task, std::move(entry));
  return 0;
}

}  // namespace runsc
