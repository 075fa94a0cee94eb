// NamesNamespace: an inode that stands for a namespace, as the links in /proc/<pid>/ns lead to: setns(2) takes a
// descriptor of it.
#pragma once

#include <sched.h>

#include <memory>

#include "boot/ipc/ipc_namespace.h"
#include "boot/kernel/fs_context.h"
#include "boot/kernel/namespaces.h"
#include "boot/kernel/task.h"
#include "boot/kernel/user_namespace.h"
#include "boot/vfs/mount.h"

namespace runsc {

// The pointer that belongs to `kind` says which one. Of the other kinds the sandbox has but one each; nor has it an
// object for its own user namespace.
struct NamedNamespace {
  int kind = 0;  // CLONE_NEWNS, CLONE_NEWUTS, ..
  MountNamespacePtr mounts = nullptr;
  PidNamespacePtr pids = nullptr;
  UtsNamespacePtr names = nullptr;
  IpcNamespacePtr ipc = nullptr;
  UserNamespacePtr users = nullptr;

  // The user namespace that it belongs to; that of a user namespace is itself, as far as capabilities go.
  UserNamespacePtr owner() const {
    if (mounts) return mounts->owner();
    if (pids) return pids->owner();
    if (names) return names->lock()->owner;
    if (ipc) return ipc->owner;
    return users;
  }
};

// The one of that kind that a task with these resources (which has not ended) and this pid namespace is in.
inline NamedNamespace name_namespace(const TaskResources& of, const PidNamespacePtr& pids, int kind) {
  NamedNamespace named{.kind = kind};
  if (kind == CLONE_NEWNS) named.mounts = of.fs->mounts();
  if (kind == CLONE_NEWPID) named.pids = pids;
  if (kind == CLONE_NEWUTS) named.names = of.uts;
  if (kind == CLONE_NEWIPC) named.ipc = of.ipc;
  if (kind == CLONE_NEWUSER) named.users = of.credentials->user_namespace;
  return named;
}

class NamesNamespace {
 public:
  virtual const NamedNamespace& named_namespace() const = 0;

 protected:
  ~NamesNamespace() = default;
};

}  // namespace runsc
