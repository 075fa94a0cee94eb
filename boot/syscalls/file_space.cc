// The size and the storage of files: truncate(2), fallocate(2), fsync(2), sync(2), advice.
#include <fcntl.h>
#include <linux/falloc.h>

#include "boot/kernel/fs_context.h"
#include "boot/syscalls/blocking_io.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/path_arguments.h"
#include "boot/vfs/inode_watches.h"

namespace runsc {
namespace {

Result<std::uint32_t> type_of(FileDescription& file) { return TRY(file.attributes()).type(); }

Result<long> sync_file(CurrentTask& task, Fd fd, bool data_only) {
  const FilePtr file = TRY(task.io_file(fd));
  TRY(file->sync(data_only));
  return 0;
}

// A punched hole or a given size never makes a file longer than RLIMIT_FSIZE allows.
Result<void> check_allocation(CurrentTask& task, FileDescription& file, int mode, std::uint64_t end) {
  const bool grows = (mode & FALLOC_FL_KEEP_SIZE) == 0 && end > TRY(file.attributes()).size;
  return grows ? check_file_size_limit(task, end) : Result<void>();
}

}  // namespace

Result<long> sys_truncate(CurrentTask& task, UserPath path, std::int64_t size) {
  if (size < 0) return Errno(EINVAL);
  const VfsPath found = TRY(find_path(task, kAtCwd, path, 0));
  TRY(check_file_size_limit(task, size));
  TRY(change_size(task, found, size));
  return 0;
}

Result<long> sys_ftruncate(CurrentTask& task, Fd fd, std::int64_t size) {
  if (size < 0) return Errno(EINVAL);
  const FilePtr file = TRY(task.io_file(fd));
  if (!file->flags().writable()) return Errno(EINVAL);
  TRY(check_file_size_limit(task, size));
  if (const InodePtr inode = file->inode()) TRY(drop_set_id(*task.credentials(), *inode));
  TRY(file->truncate(size));
  notify_file(*file, IN_MODIFY);
  return 0;
}

Result<long> sys_fallocate(CurrentTask& task, Fd fd, int mode, std::int64_t offset, std::int64_t length) {
  constexpr int kKnown = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE |
                         FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE;
  const FilePtr file = TRY(task.io_file(fd));
  if (offset < 0 || length <= 0) return Errno(EINVAL);
  if ((mode & ~kKnown) != 0) return Errno(EOPNOTSUPP);
  if (!file->flags().writable()) return Errno(EBADF);
  const std::uint32_t type = TRY(type_of(*file));
  if (S_ISFIFO(type)) return Errno(ESPIPE);
  if (S_ISDIR(type)) return Errno(EISDIR);
  if (!S_ISREG(type)) return Errno(ENODEV);
  const auto end = checked_add<std::int64_t>(offset, length);
  if (!end) return Errno(EFBIG);
  TRY(check_allocation(task, *file, mode, *end));
  if (const InodePtr inode = file->inode()) TRY(drop_set_id(*task.credentials(), *inode));
  TRY(file->allocate(mode, offset, length));
  notify_file(*file, IN_MODIFY);
  return 0;
}

Result<long> sys_fsync(CurrentTask& task, Fd fd) { return sync_file(task, fd, false); }
Result<long> sys_fdatasync(CurrentTask& task, Fd fd) { return sync_file(task, fd, true); }

Result<long> sys_sync_file_range(CurrentTask& task, Fd fd, std::int64_t offset, std::int64_t length, unsigned flags) {
  constexpr unsigned kKnown = SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER;
  const FilePtr file = TRY(task.io_file(fd));
  if ((flags & ~kKnown) != 0 || offset < 0 || length < 0) return Errno(EINVAL);
  if (!checked_add<std::int64_t>(offset, length)) return Errno(EINVAL);
  TRY(file->sync_range(offset, length, flags));
  return 0;
}

Result<long> sys_sync(CurrentTask& task) {
  for (const MountPtr& mount : task.fs().mounts()->list()) (void)mount->file_system().sync();
  return 0;
}

Result<long> sys_syncfs(CurrentTask& task, Fd fd) {
  const FilePtr file = TRY(task.io_file(fd));
  if (file->path()) TRY(file->path().mount->file_system().sync());
  return 0;
}

// Advice about a cache that is the host's: checked, and left to the host's own wisdom.
Result<long> sys_readahead(CurrentTask& task, Fd fd, std::int64_t, std::size_t) {
  const FilePtr file = TRY(readable_file(task, fd));
  if (!S_ISREG(TRY(type_of(*file)))) return Errno(EINVAL);
  return 0;
}

Result<long> sys_fadvise64(CurrentTask& task, Fd fd, std::int64_t, std::size_t length, int advice) {
  const FilePtr file = TRY(task.io_file(fd));
  if (S_ISFIFO(TRY(type_of(*file)))) return Errno(ESPIPE);
  if (static_cast<std::int64_t>(length) < 0) return Errno(EINVAL);
  if (advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE) return Errno(EINVAL);
  return 0;
}

}  // namespace runsc
