// Names: mkdir(2), mknod(2), symlink(2), readlink(2), link(2), unlink(2), rmdir(2), rename(2) and their *at forms.
#include <sys/sysmacros.h>

#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"
#include "boot/vfs/dentry.h"

namespace runsc {

Result<long> sys_mkdirat(CurrentTask& task, Fd directory, UserPath path, Mode mode) {
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  TRY(make_directory(task, argument.from, argument.text, mode.bits));
  return 0;
}

Result<long> sys_mkdir(CurrentTask& task, UserPath path, Mode mode) { return sys_mkdirat(task, kAtCwd, path, mode); }

Result<long> sys_mknodat(CurrentTask& task, Fd directory, UserPath path, Mode mode, unsigned device) {
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  // The system call's device numbers have 12 and 20 bits in their own order, as stat(2)'s have.
  TRY(make_node(task, argument.from, argument.text, mode.bits, device));
  return 0;
}

Result<long> sys_mknod(CurrentTask& task, UserPath path, Mode mode, unsigned device) {
  return sys_mknodat(task, kAtCwd, path, mode, device);
}

Result<long> sys_symlinkat(CurrentTask& task, UserPath target, Fd directory, UserPath path) {
  const std::string text = TRY(task.read_path(target));
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  TRY(make_symlink(task, text, argument.from, argument.text));
  return 0;
}

Result<long> sys_symlink(CurrentTask& task, UserPath target, UserPath path) {
  return sys_symlinkat(task, target, kAtCwd, path);
}

Result<long> sys_readlinkat(CurrentTask& task, Fd directory, UserPath path, UserOut<char> to, int size) {
  if (size <= 0) return Errno(EINVAL);
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  // An O_PATH descriptor of a symlink is read with an empty path.
  const VfsPath found = TRY(walk(task, argument.from, argument.text, {.follow_last = false, .allow_empty = true}));
  Inode& inode = *found.dentry->inode_pointer();
  if (!S_ISLNK(inode.type())) return Errno(argument.text.empty() ? ENOENT : EINVAL);
  const std::string target = TRY(inode.read_link_for(task));
  const std::size_t length = std::min<std::size_t>(target.size(), size);
  TRY(task.write_array(to, std::span(target.data(), length)));
  return static_cast<long>(length);
}

Result<long> sys_readlink(CurrentTask& task, UserPath path, UserOut<char> to, int size) {
  return sys_readlinkat(task, kAtCwd, path, to, size);
}

Result<long> sys_linkat(CurrentTask& task, Fd old_directory, UserPath old_path, Fd new_directory, UserPath new_path,
                        int flags) {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) return Errno(EINVAL);
  const PathArgument from = TRY(read_path_at(task, old_directory, old_path));
  const PathArgument to = TRY(read_path_at(task, new_directory, new_path));
  TRY(make_link(task, from.from, from.text, to.from, to.text, flags));
  return 0;
}

Result<long> sys_link(CurrentTask& task, UserPath old_path, UserPath new_path) {
  return sys_linkat(task, kAtCwd, old_path, kAtCwd, new_path, 0);
}

Result<long> sys_unlinkat(CurrentTask& task, Fd directory, UserPath path, int flags) {
  if ((flags & ~AT_REMOVEDIR) != 0) return Errno(EINVAL);
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  if ((flags & AT_REMOVEDIR) != 0)
    TRY(remove_directory(task, argument.from, argument.text));
  else
    TRY(unlink(task, argument.from, argument.text));
  return 0;
}

Result<long> sys_unlink(CurrentTask& task, UserPath path) { return sys_unlinkat(task, kAtCwd, path, 0); }

Result<long> sys_rmdir(CurrentTask& task, UserPath path) { return sys_unlinkat(task, kAtCwd, path, AT_REMOVEDIR); }

Result<long> sys_renameat2(CurrentTask& task, Fd old_directory, UserPath old_path, Fd new_directory, UserPath new_path,
                           unsigned flags) {
  const PathArgument from = TRY(read_path_at(task, old_directory, old_path));
  const PathArgument to = TRY(read_path_at(task, new_directory, new_path));
  TRY(rename(task, from.from, from.text, to.from, to.text, flags));
  return 0;
}

Result<long> sys_renameat(CurrentTask& task, Fd old_directory, UserPath old_path, Fd new_directory, UserPath new_path) {
  return sys_renameat2(task, old_directory, old_path, new_directory, new_path, 0);
}

Result<long> sys_rename(CurrentTask& task, UserPath old_path, UserPath new_path) {
  return sys_renameat2(task, kAtCwd, old_path, kAtCwd, new_path, 0);
}

}  // namespace runsc
