// inotify(7).
#include "boot/fs/anon/inotify.h"

#include <sys/stat.h>

#include "boot/kernel/current_task.h"
#include "boot/syscalls/handlers.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/path_walk.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

constexpr std::uint32_t kKnown = IN_ALL_EVENTS | IN_ONESHOT | IN_Q_OVERFLOW | IN_UNMOUNT | IN_IGNORED | IN_ONLYDIR |
                                 IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_ADD | IN_MASK_CREATE | IN_ISDIR;

Result<std::shared_ptr<Inotify>> inotify_of(CurrentTask& task, Fd fd) {
  auto inotify = std::dynamic_pointer_cast<Inotify>(TRY(task.io_file(fd)));
  if (inotify == nullptr) return Errno(EINVAL);
  return inotify;
}

}  // namespace

Result<long> sys_inotify_init1(CurrentTask& task, int flags) {
  if ((flags & ~(IN_CLOEXEC | IN_NONBLOCK)) != 0) return Errno(EINVAL);
  const Fd fd = TRY(task.install(std::make_shared<Inotify>(flags), (flags & IN_CLOEXEC) != 0));
  return raw(fd);
}

Result<long> sys_inotify_init(CurrentTask& task) { return sys_inotify_init1(task, 0); }

Result<long> sys_inotify_add_watch(CurrentTask& task, Fd fd, UserPath where, unsigned mask) {
  if ((mask & kKnown) == 0) return Errno(EINVAL);
  if ((mask & IN_MASK_ADD) != 0 && (mask & IN_MASK_CREATE) != 0) return Errno(EINVAL);
  const auto inotify = TRY(inotify_of(task, fd));
  const std::string path = TRY(task.read_path(where));
  const WalkFrom from = TRY(walk_from(task, Fd{AT_FDCWD}, path));
  const VfsPath place = TRY(walk(task, from, path, {(mask & IN_DONT_FOLLOW) == 0, false}));
  const InodePtr inode = place.dentry->inode();
  if (inode == nullptr) return Errno(ENOENT);
  if ((mask & IN_ONLYDIR) != 0 && !S_ISDIR(inode->type())) return Errno(ENOTDIR);
  TRY(check_access(task, place, kMayRead));
  return TRY(inotify->add_watch(place.dentry, mask));
}

Result<long> sys_inotify_rm_watch(CurrentTask& task, Fd fd, int descriptor) {
  TRY(TRY(inotify_of(task, fd))->remove_watch(descriptor));
  return 0;
}

}  // namespace runsc
