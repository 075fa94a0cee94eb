#include "boot/fs/proc/namespace_inode.h"

#include <linux/nsfs.h>
#include <sched.h>
#include <sys/sysmacros.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

namespace runsc {
namespace {

// An open one.
class NamespaceFile : public FileDescription {
 public:
  NamespaceFile(VfsPath path, OpenFlags flags, std::shared_ptr<NamespaceInode> inode)
      : FileDescription(std::move(path), flags), inode_(std::move(inode)) {}

  InodePtr inode() const override { return inode_; }
  std::string anonymous_name() const override { return inode_->name(); }
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;

 private:
  Result<std::int64_t> open_related(CurrentTask& task, NamedNamespace related);
  Result<std::int64_t> open_owner(CurrentTask& task);
  Result<std::int64_t> open_parent(CurrentTask& task);

  const std::shared_ptr<NamespaceInode> inode_;
};

// Whether `names` is `above` or lies in it.
bool lies_in(UserNamespacePtr names, const UserNamespacePtr& above) {
  for (; names != above; names = names->parent())
    if (!names) return false;
  return true;
}

Result<std::int64_t> NamespaceFile::open_related(CurrentTask& task, NamedNamespace related) {
  auto inode = std::make_shared<NamespaceInode>(inode_->proc(), std::move(related));
  auto file = std::make_shared<NamespaceFile>(VfsPath(), OpenFlags{O_RDONLY}, std::move(inode));
  return raw(TRY(task.install(std::move(file), true)));
}

Result<std::int64_t> NamespaceFile::open_owner(CurrentTask& task) {
  const NamedNamespace& own = inode_->named_namespace();
  if (own.kind == CLONE_NEWUSER) return open_parent(task);
  const UserNamespacePtr owner = own.owner();
  if (!lies_in(owner, task.credentials()->user_namespace)) return Errno(EPERM);
  return open_related(task, {.kind = CLONE_NEWUSER, .users = owner});
}

Result<std::int64_t> NamespaceFile::open_parent(CurrentTask& task) {
  const NamedNamespace& own = inode_->named_namespace();
  if (own.kind == CLONE_NEWUSER) {
    if (!own.users || !lies_in(own.users->parent(), task.credentials()->user_namespace)) return Errno(EPERM);
    return open_related(task, {.kind = CLONE_NEWUSER, .users = own.users->parent()});
  }
  if (own.kind != CLONE_NEWPID) return Errno(EINVAL);
  // Only what the caller's own pid namespace shows.
  if (own.pids == task.task().pid_namespace() || own.pids->level() <= task.task().pid_namespace()->level())
    return Errno(EPERM);
  return open_related(task, {.kind = CLONE_NEWPID, .pids = own.pids->parent()});
}

Result<std::int64_t> NamespaceFile::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  const NamedNamespace& own = inode_->named_namespace();
  switch (command) {
    case NS_GET_USERNS:
      return open_owner(task);
    case NS_GET_PARENT:
      return open_parent(task);
    case NS_GET_NSTYPE:
      return own.kind;
    case NS_GET_OWNER_UID: {
      if (own.kind != CLONE_NEWUSER) return Errno(EINVAL);
      const Uid owner = own.users ? own.users->owner() : kRootUid;
      TRY(task.write(UserOut<Uid>{{argument}}, shown_uid(task.credentials()->user_namespace, owner)));
      return 0;
    }
    default:
      return Errno(ENOTTY);
  }
}

}  // namespace

std::string_view namespace_type(int kind) {
  switch (kind) {
    case CLONE_NEWCGROUP:
      return "cgroup";
    case CLONE_NEWIPC:
      return "ipc";
    case CLONE_NEWNS:
      return "mnt";
    case CLONE_NEWNET:
      return "net";
    case CLONE_NEWPID:
      return "pid";
    case CLONE_NEWTIME:
      return "time";
    case CLONE_NEWUSER:
      return "user";
    default:
      return "uts";
  }
}

NamespaceInode::NamespaceInode(ProcFileSystem& file_system, NamedNamespace named)
    : PseudoInode(file_system, {S_IFREG | 0444}),
      file_system_(file_system),
      keeps_file_system_(file_system.shared_from_this()),
      named_(std::move(named)) {}

std::uint64_t NamespaceInode::number() const {
  NamespaceNumbers& numbers = file_system_.shared().namespaces;
  switch (named_.kind) {
    case CLONE_NEWCGROUP:
      return kCgroupNamespaceNumber;
    case CLONE_NEWIPC:
      return numbers.of(named_.ipc);
    case CLONE_NEWNS:
      return numbers.of(named_.mounts);
    case CLONE_NEWNET:
      return kNetNamespaceNumber;
    case CLONE_NEWPID:
      return numbers.of(named_.pids);
    case CLONE_NEWTIME:
      return kTimeNamespaceNumber;
    case CLONE_NEWUSER:
      return named_.users ? numbers.of(named_.users) : kUserNamespaceNumber;
    default:
      return numbers.of(named_.names);
  }
}

std::string NamespaceInode::name() const {
  return std::string(namespace_type(named_.kind)) + ":[" + std::to_string(number()) + "]";
}

Result<FileAttributes> NamespaceInode::attributes() {
  FileAttributes attributes = TRY(PseudoInode::attributes());
  attributes.inode = number();
  attributes.device = makedev(0, 4);
  return attributes;
}

Result<FilePtr> NamespaceInode::open(const VfsPath& path, OpenFlags flags) {
  if (flags.writable()) return Errno(EPERM);
  auto self = std::static_pointer_cast<NamespaceInode>(shared_from_this());
  return FilePtr(std::make_shared<NamespaceFile>(path, flags, std::move(self)));
}

}  // namespace runsc
