// mount(2), umount2(2), pivot_root(2).
#include "boot/vfs/mount.h"

#include <sys/mount.h>

#include <algorithm>
#include <array>

#include "boot/kernel/fs_context.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"

namespace runsc {
namespace {

constexpr unsigned long kMagic = 0xC0ED0000, kMagicMask = 0xffff0000;  // MS_MGC_VAL, MS_MGC_MSK
constexpr unsigned long kPropagation = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
constexpr unsigned long kNoSymlinkFollow = 256;
// What a mount remembers.
constexpr unsigned long kMountFlags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS | MS_DIRSYNC |
                                      MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME | MS_LAZYTIME |
                                      kNoSymlinkFollow;
constexpr std::size_t kLongestType = 256;

// Mounts belong to their mount namespace, and that to a user namespace.
bool may_mount(CurrentTask& task) { return task.credentials()->has_in(task.fs().mounts()->owner(), CAP_SYS_ADMIN); }

unsigned long mount_flags(unsigned long flags) {
  flags &= kMountFlags;
  if ((flags & (MS_NOATIME | MS_STRICTATIME)) == 0) flags |= MS_RELATIME;
  return flags & ~static_cast<unsigned long>(MS_STRICTATIME);
}

// The options: one page at most.
Result<std::string> read_options(CurrentTask& task, UserAddress from) {
  if (!from) return std::string();
  return task.read_string(UserString{{from.value}}, kPageSize, Errno(EINVAL));
}

Result<void> remount(CurrentTask& task, const VfsPath& where, unsigned long flags, UserAddress data) {
  if (where.dentry != where.mount->root()) return Errno(EINVAL);
  // What a more privileged user namespace has ruled out stays so.
  constexpr unsigned long kLocked = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
  if (where.mount->locked() && (where.mount->flags() & kLocked & ~flags) != 0) return Errno(EPERM);
  if (where.mount->locked() && (flags & MS_BIND) == 0) return Errno(EPERM);
  // A bind mount's flags are its own; otherwise the instance may get new options.
  if ((flags & MS_BIND) == 0) TRY(where.mount->file_system().remount(TRY(read_options(task, data))));
  where.mount->set_flags(mount_flags(flags));
  return {};
}

// No mount here is ever shared, so making it private, a slave or unbindable changes nothing that could be seen.
Result<void> change_propagation(const VfsPath& where, unsigned long flags) {
  const unsigned long kind = flags & kPropagation;
  if ((kind & (kind - 1)) != 0 || (flags & ~(kPropagation | MS_REC | MS_SILENT)) != 0) return Errno(EINVAL);
  if (where.dentry != where.mount->root() || kind == MS_SHARED) return Errno(EINVAL);
  return {};
}

// Whether a file system of this kind is visible as a whole: nothing that must not be opened up lies on it.
bool is_fully_visible(const MountNamespace& mounts, std::string_view type) {
  const std::vector<MountPtr> all = mounts.list();
  return std::any_of(all.begin(), all.end(), [&](const MountPtr& each) {
    if (each->file_system().type_name() != type || each->root()->parent()) return false;
    return std::none_of(all.begin(), all.end(),
                        [&](const MountPtr& other) { return other->locked() && other->mount_point().mount == each; });
  });
}

// user_namespaces(7): what has no device behind it. proc and sysfs show the sandbox: only who sees all of them already
// may have another one.
Result<void> may_mount_in_user_namespace(const MountNamespace& mounts, std::string_view type, unsigned long& flags) {
  constexpr std::array<std::string_view, 6> kAllowed{"devpts", "mqueue", "proc", "ramfs", "sysfs", "tmpfs"};
  if (std::find(kAllowed.begin(), kAllowed.end(), type) == kAllowed.end()) return Errno(EPERM);
  if ((type == "proc" || type == "sysfs") && !is_fully_visible(mounts, type)) return Errno(EPERM);
  flags |= MS_NODEV;
  return {};
}

Result<void> mount_new(CurrentTask& task, MountNamespace& mounts, const VfsPath& where, std::string source,
                       UserString type_pointer, unsigned long flags, UserAddress data) {
  if (!type_pointer) return Errno(EINVAL);
  const std::string type = TRY(task.read_string(type_pointer, kLongestType, Errno(EINVAL)));
  if (task.credentials()->user_namespace) TRY(may_mount_in_user_namespace(mounts, type, flags));
  std::string options = TRY(read_options(task, data));
  const MountRequest request{source, std::move(options), flags};
  FileSystemPtr file_system = TRY(mounts.services().file_systems.make(&task, type, request));
  TRY(mounts.mount(where, std::move(file_system), mount_flags(flags), std::move(source)));
  return {};
}

Result<void> mount_existing(CurrentTask& task, MountNamespace& mounts, const VfsPath& where, UserPath source_pointer,
                            unsigned long flags) {
  if (!source_pointer) return Errno(EINVAL);
  const VfsPath source = TRY(find_path(task, kAtCwd, source_pointer, 0));
  if ((flags & MS_MOVE) != 0) return mounts.move(source, where);
  TRY(mounts.bind(source, where, 0, (flags & MS_REC) != 0));
  return {};
}

}  // namespace

Result<long> sys_mount(CurrentTask& task, UserPath source, UserPath target, UserString type, std::uint64_t flags,
                       UserAddress data) {
  if ((flags & kMagicMask) == kMagic) flags &= ~kMagicMask;
  const VfsPath where = TRY(find_path(task, kAtCwd, target, 0));
  if (!may_mount(task)) return Errno(EPERM);
  const MountNamespacePtr mounts = task.fs().mounts();
  if (!mounts->contains(*where.mount)) return Errno(EINVAL);
  if ((flags & MS_REMOUNT) != 0) {
    TRY(remount(task, where, flags, data));
  } else if ((flags & (MS_BIND | MS_MOVE)) != 0) {
    TRY(mount_existing(task, *mounts, where, source, flags));
  } else if ((flags & kPropagation) != 0) {
    TRY(change_propagation(where, flags));
  } else {
    std::string name = source ? TRY(task.read_path(source)) : "none";
    TRY(mount_new(task, *mounts, where, std::move(name), type, flags, data));
  }
  return 0;
}

Result<long> sys_umount2(CurrentTask& task, UserPath target, int flags) {
  constexpr int kNoFollow = 8;  // UMOUNT_NOFOLLOW
  if ((flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | kNoFollow)) != 0) return Errno(EINVAL);
  if ((flags & MNT_EXPIRE) != 0) return Errno((flags & (MNT_FORCE | MNT_DETACH)) != 0 ? EINVAL : EAGAIN);
  const VfsPath where = TRY(find_path(task, kAtCwd, target, (flags & kNoFollow) != 0 ? AT_SYMLINK_NOFOLLOW : 0));
  if (!may_mount(task)) return Errno(EPERM);
  TRY(task.fs().mounts()->unmount(where, flags));
  return 0;
}

Result<long> sys_pivot_root(CurrentTask& task, UserPath new_root, UserPath put_old) {
  if (!may_mount(task)) return Errno(EPERM);
  const VfsPath fresh = TRY(find_path(task, kAtCwd, new_root, 0));
  const VfsPath old = TRY(find_path(task, kAtCwd, put_old, 0));
  if (!S_ISDIR(fresh.dentry->inode_pointer()->type()) || !S_ISDIR(old.dentry->inode_pointer()->type()))
    return Errno(ENOTDIR);
  const MountNamespacePtr mounts = task.fs().mounts();
  const VfsPath before = mounts->root_path();
  TRY(mounts->pivot(fresh, old));
  // Who stood at the old root stands at the new one.
  if (task.fs().root() == before) task.fs().set_root(fresh);
  if (task.fs().cwd() == before) task.fs().set_cwd(fresh);
  return 0;
}

}  // namespace runsc
