// Extended attributes (xattr(7)).
#include <linux/limits.h>
#include <sys/xattr.h>

#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/inode_watches.h"
#include "boot/vfs/mount.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

Result<std::string> read_name(CurrentTask& task, UserString from) {
  std::string name = TRY(task.read_string(from, XATTR_NAME_MAX + 1, Errno(ERANGE)));
  if (name.empty()) return Errno(ERANGE);
  return name;
}

Result<VfsPath> place_of_descriptor(CurrentTask& task, Fd fd) {
  const FilePtr file = TRY(task.io_file(fd));
  return place_of(*file);
}

// Who may read or change which attribute. `may`: kMayRead or kMayWrite.
Result<void> check_attribute(CurrentTask& task, const VfsPath& path, std::string_view name, int may) {
  const Errno refused = may == kMayWrite ? Errno(EPERM) : Errno(ENODATA);
  if (may == kMayWrite && path.mount->read_only()) return Errno(EROFS);
  if (name.starts_with("trusted.")) {
    if (!task.capable(CAP_SYS_ADMIN)) return refused;
    return {};
  }
  if (name.starts_with("security.")) {
    const int needed = name == "security.capability" ? CAP_SETFCAP : CAP_SYS_ADMIN;
    if (may == kMayWrite && !task.capable(needed)) return Errno(EPERM);
    return {};
  }
  if (!name.starts_with("user.")) return Errno(EOPNOTSUPP);
  const FileAttributes file = TRY(path.dentry->inode_pointer()->attributes());
  if (!file.is_regular() && !file.is_directory()) return refused;
  if (may == kMayWrite && file.is_directory() && (file.mode & S_ISVTX) != 0 &&
      !owner_or_capable(*task.credentials(), file))
    return Errno(EPERM);
  return check_access(task, path, may);
}

Result<long> set(CurrentTask& task, const VfsPath& path, UserString name_pointer, UserIn<std::byte> from,
                 std::size_t size, int flags) {
  if ((flags & ~(XATTR_CREATE | XATTR_REPLACE)) != 0) return Errno(EINVAL);
  const std::string name = TRY(read_name(task, name_pointer));
  if (size > XATTR_SIZE_MAX) return Errno(E2BIG);
  const auto value = TRY(task.read_array(from, size));
  TRY(check_attribute(task, path, name, kMayWrite));
  TRY(path.dentry->inode_pointer()->set_xattr(name, value, flags));
  notify_object(*path.dentry, IN_ATTRIB);
  return 0;
}

Result<long> get(CurrentTask& task, const VfsPath& path, UserString name_pointer, UserOut<std::byte> to,
                 std::size_t size) {
  const std::string name = TRY(read_name(task, name_pointer));
  TRY(check_attribute(task, path, name, kMayRead));
  const auto value = TRY(path.dentry->inode_pointer()->get_xattr(name));
  if (size == 0) return static_cast<long>(value.size());
  if (size < value.size()) return Errno(ERANGE);
  TRY(task.write_array(to, std::span(value)));
  return static_cast<long>(value.size());
}

Result<long> list(CurrentTask& task, const VfsPath& path, UserOut<char> to, std::size_t size) {
  std::string names;
  for (const std::string& name : TRY(path.dentry->inode_pointer()->list_xattrs())) {
    if (name.starts_with("trusted.") && !task.capable(CAP_SYS_ADMIN)) continue;
    names += name;
    names += '\0';
  }
  if (size == 0) return static_cast<long>(names.size());
  if (names.size() > size) return Errno(ERANGE);
  TRY(task.write_array(to, std::span(std::as_const(names))));
  return static_cast<long>(names.size());
}

Result<long> remove(CurrentTask& task, const VfsPath& path, UserString name_pointer) {
  const std::string name = TRY(read_name(task, name_pointer));
  TRY(check_attribute(task, path, name, kMayWrite));
  TRY(path.dentry->inode_pointer()->remove_xattr(name));
  notify_object(*path.dentry, IN_ATTRIB);
  return 0;
}

}  // namespace

Result<long> sys_setxattr(CurrentTask& task, UserPath path, UserString name, UserIn<std::byte> value, std::size_t size,
                          int flags) {
  return set(task, TRY(find_path(task, kAtCwd, path, 0)), name, value, size, flags);
}

Result<long> sys_lsetxattr(CurrentTask& task, UserPath path, UserString name, UserIn<std::byte> value, std::size_t size,
                           int flags) {
  return set(task, TRY(find_path(task, kAtCwd, path, AT_SYMLINK_NOFOLLOW)), name, value, size, flags);
}

Result<long> sys_fsetxattr(CurrentTask& task, Fd fd, UserString name, UserIn<std::byte> value, std::size_t size,
                           int flags) {
  return set(task, TRY(place_of_descriptor(task, fd)), name, value, size, flags);
}

Result<long> sys_getxattr(CurrentTask& task, UserPath path, UserString name, UserOut<std::byte> to, std::size_t size) {
  return get(task, TRY(find_path(task, kAtCwd, path, 0)), name, to, size);
}

Result<long> sys_lgetxattr(CurrentTask& task, UserPath path, UserString name, UserOut<std::byte> to, std::size_t size) {
  return get(task, TRY(find_path(task, kAtCwd, path, AT_SYMLINK_NOFOLLOW)), name, to, size);
}

Result<long> sys_fgetxattr(CurrentTask& task, Fd fd, UserString name, UserOut<std::byte> to, std::size_t size) {
  return get(task, TRY(place_of_descriptor(task, fd)), name, to, size);
}

Result<long> sys_listxattr(CurrentTask& task, UserPath path, UserOut<char> to, std::size_t size) {
  return list(task, TRY(find_path(task, kAtCwd, path, 0)), to, size);
}

Result<long> sys_llistxattr(CurrentTask& task, UserPath path, UserOut<char> to, std::size_t size) {
  return list(task, TRY(find_path(task, kAtCwd, path, AT_SYMLINK_NOFOLLOW)), to, size);
}

Result<long> sys_flistxattr(CurrentTask& task, Fd fd, UserOut<char> to, std::size_t size) {
  return list(task, TRY(place_of_descriptor(task, fd)), to, size);
}

Result<long> sys_removexattr(CurrentTask& task, UserPath path, UserString name) {
  return remove(task, TRY(find_path(task, kAtCwd, path, 0)), name);
}

Result<long> sys_lremovexattr(CurrentTask& task, UserPath path, UserString name) {
  return remove(task, TRY(find_path(task, kAtCwd, path, AT_SYMLINK_NOFOLLOW)), name);
}

Result<long> sys_fremovexattr(CurrentTask& task, Fd fd, UserString name) {
  return remove(task, TRY(place_of_descriptor(task, fd)), name);
}

}  // namespace runsc
