#include "boot/syscalls/record_locks.h"

#include <sys/file.h>

#include "boot/base/checked.h"
#include "boot/kernel/fd_table.h"
#include "boot/kernel/fs_context.h"
#include "boot/syscalls/handlers.h"
#include "boot/vfs/file_locks.h"

namespace runsc {
namespace {

Result<std::int64_t> base_of(FileDescription& file, int whence) {
  switch (whence) {
    case SEEK_SET:
      return std::int64_t{0};
    case SEEK_CUR:
      return file.seek(0, SEEK_CUR);
    case SEEK_END:
      return static_cast<std::int64_t>(TRY(file.attributes()).size);
    default:
      return Errno(EINVAL);
  }
}

// The range as fcntl(2) defines it: a negative length ends before the start, 0 reaches to every end of file.
Result<void> set_range(FileDescription& file, const struct flock& request, RecordLock& lock) {
  const auto start = checked_add<std::int64_t>(TRY(base_of(file, request.l_whence)), request.l_start);
  if (!start) return Errno(EOVERFLOW);
  if (*start < 0) return Errno(EINVAL);
  std::int64_t first = *start;
  std::int64_t last = INT64_MAX;
  if (request.l_len > 0) {
    const auto end = checked_add<std::int64_t>(first, request.l_len - 1);
    if (!end) return Errno(EOVERFLOW);
    last = *end;
  } else if (request.l_len < 0) {
    if (request.l_len < -first) return Errno(EINVAL);
    last = first - 1;
    first += request.l_len;
  }
  lock.start = static_cast<std::uint64_t>(first);
  lock.end = static_cast<std::uint64_t>(last);
  return {};
}

Result<LockType> type_of(int type) {
  switch (type) {
    case F_RDLCK:
      return LockType::kRead;
    case F_WRLCK:
      return LockType::kWrite;
    case F_UNLCK:
      return LockType::kUnlock;
    default:
      return Errno(EINVAL);
  }
}

Result<RecordLock> to_lock(CurrentTask& task, FileDescription& file, bool ofd, const struct flock& request) {
  RecordLock lock;
  lock.type = TRY(type_of(request.l_type));
  if (ofd && request.l_pid != 0) return Errno(EINVAL);
  TRY(set_range(file, request, lock));
  lock.owner = ofd ? LockOwner{&file, true} : LockOwner{&task.files(), false};
  lock.pid = ofd ? -1 : raw(task.group().pid(*task.task().pid_namespace()));
  return lock;
}

Result<void> wait_for_lock(CurrentTask& task, FileLocks& locks, const RecordLock& lock) {
  LockWaits& waits = task.fs().mounts()->services().lock_waits;
  for (;;) {
    const auto blocker = locks.conflict(lock);
    if (blocker) {
      const LockWaits::Wait registered = TRY(waits.begin(lock.owner, blocker->owner));
      // Another owner may be next: then the question of a deadlock is asked again.
      TRY(task.wait(locks.wait_queue(), POLLIN, std::nullopt, [&] {
        const auto now = locks.conflict(lock);
        return !now || now->owner != blocker->owner;
      }));
    }
    const auto set = locks.set(lock);
    if (set.ok() || set.error() != Errno(EAGAIN)) return set;
  }
}

}  // namespace

Result<long> get_record_lock(CurrentTask& task, const FilePtr& file, bool ofd, UserInOut<struct flock> pointer) {
  struct flock request = TRY(task.read(pointer.in()));
  const RecordLock probe = TRY(to_lock(task, *file, ofd, request));
  if (probe.type == LockType::kUnlock) return Errno(EINVAL);
  FileLocks* const locks = TRY(file->locks());
  if (const auto blocker = locks->conflict(probe)) {
    request.l_type = blocker->type == LockType::kRead ? F_RDLCK : F_WRLCK;
    request.l_whence = SEEK_SET;
    request.l_start = static_cast<std::int64_t>(blocker->start);
    request.l_len =
        blocker->end == RecordLock::kToEof ? 0 : static_cast<std::int64_t>(blocker->end - blocker->start + 1);
    request.l_pid = blocker->pid;
  } else {
    request.l_type = F_UNLCK;
  }
  TRY(task.write(pointer.out(), request));
  return 0;
}

Result<long> set_record_lock(CurrentTask& task, Fd fd, const FilePtr& file, bool ofd, bool wait,
                             UserIn<struct flock> pointer) {
  const RecordLock lock = TRY(to_lock(task, *file, ofd, TRY(task.read(pointer))));
  if (lock.type == LockType::kRead && !file->flags().readable()) return Errno(EBADF);
  if (lock.type == LockType::kWrite && !file->flags().writable()) return Errno(EBADF);
  FileLocks* const locks = TRY(file->locks());
  if (wait && lock.type != LockType::kUnlock)
    TRY(wait_for_lock(task, *locks, lock));
  else
    TRY(locks->set(lock));
  // Another thread may have closed the descriptor meanwhile; then nobody would ever release the lock.
  const auto still = task.files().get(fd);
  if (!ofd && lock.type != LockType::kUnlock && (!still.ok() || *still != file)) {
    locks->release_records(lock.owner);
    return Errno(EBADF);
  }
  return 0;
}

Result<long> sys_flock(CurrentTask& task, Fd fd, int operation) {
  const FilePtr file = TRY(task.io_file(fd));
  const bool wait = (operation & LOCK_NB) == 0;
  LockType type;
  switch (operation & ~LOCK_NB) {
    case LOCK_SH:
      type = LockType::kRead;
      break;
    case LOCK_EX:
      type = LockType::kWrite;
      break;
    case LOCK_UN:
      type = LockType::kUnlock;
      break;
    default:
      return Errno(EINVAL);
  }
  FileLocks* const locks = TRY(file->locks());
  auto result = locks->flock(file.get(), type);
  if (wait && !result.ok() && result.error() == Errno(EAGAIN)) {
    TRY(task.wait(locks->wait_queue(), POLLIN, std::nullopt, [&] {
      result = locks->flock(file.get(), type);
      return result.ok() || result.error() != Errno(EAGAIN);
    }));
  }
  TRY(std::move(result));
  return 0;
}

}  // namespace runsc
