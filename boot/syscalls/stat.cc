// stat(2), statx(2), access(2), statfs(2) and their relatives.
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "boot/kernel/fs_context.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"
#include "boot/vfs/mount.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

struct stat to_stat(const FileAttributes& file, const UserNamespacePtr& viewer) {
  struct stat result {};
  result.st_dev = file.device;
  result.st_ino = file.inode;
  result.st_nlink = file.links;
  result.st_mode = file.mode;
  result.st_uid = raw(shown_uid(viewer, file.uid));
  result.st_gid = raw(shown_gid(viewer, file.gid));
  result.st_rdev = file.rdev;
  result.st_size = static_cast<off_t>(file.size);
  result.st_blksize = file.block_size;
  result.st_blocks = static_cast<blkcnt_t>(file.blocks);
  result.st_atim = file.access_time;
  result.st_mtim = file.modify_time;
  result.st_ctim = file.change_time;
  return result;
}

statx_timestamp to_timestamp(const timespec& time) {
  statx_timestamp result{};
  result.tv_sec = time.tv_sec;
  result.tv_nsec = static_cast<std::uint32_t>(time.tv_nsec);
  return result;
}

struct statx to_statx(const FileAttributes& file, const UserNamespacePtr& viewer) {
  struct statx result {};
  result.stx_mask = STATX_BASIC_STATS;
  result.stx_blksize = file.block_size;
  result.stx_nlink = file.links;
  result.stx_uid = raw(shown_uid(viewer, file.uid));
  result.stx_gid = raw(shown_gid(viewer, file.gid));
  result.stx_mode = static_cast<std::uint16_t>(file.mode);
  result.stx_ino = file.inode;
  result.stx_size = file.size;
  result.stx_blocks = file.blocks;
  result.stx_atime = to_timestamp(file.access_time);
  result.stx_mtime = to_timestamp(file.modify_time);
  result.stx_ctime = to_timestamp(file.change_time);
  if (file.birth_time.tv_sec != 0) {
    result.stx_btime = to_timestamp(file.birth_time);
    result.stx_mask |= STATX_BTIME;
  }
  result.stx_rdev_major = ::gnu_dev_major(file.rdev);
  result.stx_rdev_minor = ::gnu_dev_minor(file.rdev);
  result.stx_dev_major = ::gnu_dev_major(file.device);
  result.stx_dev_minor = ::gnu_dev_minor(file.device);
  return result;
}

struct Found {
  FileAttributes attributes;
  VfsPath path;  // empty for objects without a path
};

// `flags`: AT_* of statx(2). Descriptors of any kind can be asked about with an empty path.
Result<Found> find(CurrentTask& task, Fd directory, UserPath path, int flags) {
  if ((flags & AT_EMPTY_PATH) != 0 && raw(directory) >= 0) {
    const std::string text = path ? TRY(task.read_path(path)) : std::string();
    if (text.empty()) {
      const FilePtr file = TRY(task.file(directory));
      return Found{TRY(file->attributes()), file->path()};
    }
  }
  VfsPath found = TRY(find_path(task, directory, path, flags));
  return Found{TRY(found.dentry->inode_pointer()->attributes()), std::move(found)};
}

Result<long> store_stat(CurrentTask& task, const FileAttributes& attributes, UserOut<struct stat> to) {
  TRY(task.write(to, to_stat(attributes, task.credentials()->user_namespace)));
  return 0;
}

// access(2) asks for the real user, as if a set-user-ID program had not been.
CredentialsPtr real_credentials(const CredentialsPtr& credentials) {
  const bool root = is_root_of(credentials->user_namespace, credentials->real_uid);
  const CapabilitySet effective = root ? credentials->permitted : CapabilitySet();
  if (credentials->fs_uid == credentials->real_uid && credentials->fs_gid == credentials->real_gid &&
      credentials->effective == effective)
    return credentials;
  auto changed = std::make_shared<Credentials>(*credentials);
  changed->fs_uid = changed->real_uid;
  changed->fs_gid = changed->real_gid;
  changed->effective = effective;
  return changed;
}

Result<long> check_path(CurrentTask& task, Fd directory, UserPath path, int mode, int flags) {
  if ((mode & ~(R_OK | W_OK | X_OK)) != 0) return Errno(EINVAL);
  if ((flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) != 0) return Errno(EINVAL);
  WalkContext context = walk_context(task);
  if ((flags & AT_EACCESS) == 0) context.credentials = real_credentials(context.credentials);
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  const WalkOptions options{(flags & AT_SYMLINK_NOFOLLOW) == 0, (flags & AT_EMPTY_PATH) != 0};
  const VfsPath found = TRY(walk(context, argument.from, argument.text, options));
  static_assert(R_OK == kMayRead && W_OK == kMayWrite && X_OK == kMayExec);
  if (mode != F_OK) TRY(check_access(*context.credentials, found, mode));
  return 0;
}

// ST_* of statvfs(3) out of MS_*.
long statfs_flags(unsigned long mount_flags) {
  constexpr unsigned long kSame = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x40;  // RDONLY NOSUID NODEV NOEXEC SYNC MANDLOCK
  long flags = static_cast<long>(mount_flags & kSame) | 0x20;           // ST_VALID
  if ((mount_flags & 1024) != 0) flags |= 1024;                         // NOATIME
  if ((mount_flags & 2048) != 0) flags |= 2048;                         // NODIRATIME
  if ((mount_flags & (1 << 21)) != 0) flags |= 4096;                    // RELATIME
  return flags;
}

Result<long> store_statfs(CurrentTask& task, const VfsPath& path, UserOut<struct statfs> to) {
  struct statfs stats = TRY(path.mount->file_system().statistics());
  stats.f_flags = statfs_flags(path.mount->flags());
  const std::uint64_t device = path.mount->file_system().device();
  std::memcpy(&stats.f_fsid, &device, sizeof device);
  TRY(task.write(to, stats));
  return 0;
}

constexpr int kStatFlags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;

}  // namespace

Result<long> sys_stat(CurrentTask& task, UserPath path, UserOut<struct stat> to) {
  return store_stat(task, TRY(find(task, kAtCwd, path, 0)).attributes, to);
}

Result<long> sys_lstat(CurrentTask& task, UserPath path, UserOut<struct stat> to) {
  return store_stat(task, TRY(find(task, kAtCwd, path, AT_SYMLINK_NOFOLLOW)).attributes, to);
}

Result<long> sys_fstat(CurrentTask& task, Fd fd, UserOut<struct stat> to) {
  const FilePtr file = TRY(task.file(fd));
  return store_stat(task, TRY(file->attributes()), to);
}

Result<long> sys_newfstatat(CurrentTask& task, Fd directory, UserPath path, UserOut<struct stat> to, int flags) {
  if ((flags & ~kStatFlags) != 0) return Errno(EINVAL);
  return store_stat(task, TRY(find(task, directory, path, flags)).attributes, to);
}

Result<long> sys_statx(CurrentTask& task, Fd directory, UserPath path, int flags, unsigned mask,
                       UserOut<struct statx> to) {
  constexpr int kSyncType = AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC;
  if ((flags & ~(kStatFlags | kSyncType)) != 0 || (flags & kSyncType) == kSyncType) return Errno(EINVAL);
  if ((mask & STATX__RESERVED) != 0) return Errno(EINVAL);
  const Found found = TRY(find(task, directory, path, flags));
  struct statx result = to_statx(found.attributes, task.credentials()->user_namespace);
  if (found.path) {
    result.stx_mnt_id = static_cast<std::uint64_t>(found.path.mount->id());
    result.stx_mask |= STATX_MNT_ID;
    result.stx_attributes_mask |= STATX_ATTR_MOUNT_ROOT;
    if (found.path.dentry == found.path.mount->root()) result.stx_attributes |= STATX_ATTR_MOUNT_ROOT;
  }
  TRY(task.write(to, result));
  return 0;
}

Result<long> sys_access(CurrentTask& task, UserPath path, int mode) { return check_path(task, kAtCwd, path, mode, 0); }

Result<long> sys_faccessat(CurrentTask& task, Fd directory, UserPath path, int mode) {
  return check_path(task, directory, path, mode, 0);
}

Result<long> sys_faccessat2(CurrentTask& task, Fd directory, UserPath path, int mode, int flags) {
  return check_path(task, directory, path, mode, flags);
}

Result<long> sys_statfs(CurrentTask& task, UserPath path, UserOut<struct statfs> to) {
  return store_statfs(task, TRY(find_path(task, kAtCwd, path, 0)), to);
}

Result<long> sys_fstatfs(CurrentTask& task, Fd fd, UserOut<struct statfs> to) {
  const FilePtr file = TRY(task.file(fd));
  return store_statfs(task, TRY(place_of(*file)), to);
}

}  // namespace runsc
