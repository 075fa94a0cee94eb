// dup(2) and its relatives, fcntl(2).
#include <fcntl.h>

#include <cstddef>

#include "boot/fs/pipe/pipe.h"
#include "boot/kernel/fd_table.h"
#include "boot/syscalls/async_io.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/leases.h"
#include "boot/syscalls/record_locks.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

Result<long> duplicate(CurrentTask& task, FilePtr file, std::uint64_t from, bool close_on_exec) {
  if (from > INT32_MAX) return Errno(EINVAL);
  return static_cast<long>(raw(TRY(task.install(std::move(file), close_on_exec, static_cast<int>(from)))));
}

Result<long> replace(CurrentTask& task, FilePtr file, Fd fd, bool close_on_exec) {
  const std::uint64_t limit = task.group().limits().soft(RLIMIT_NOFILE);
  if (const FilePtr old = TRY(task.files().replace(fd, std::move(file), close_on_exec, limit)))
    (void)task.files().close(old);
  return static_cast<long>(raw(fd));
}

Result<long> set_status_flags(CurrentTask& task, Fd fd, const FilePtr& file, int flags) {
  const OpenFlags old = file->flags();
  if ((flags & O_NOATIME) != 0 && !old.has(O_NOATIME) &&
      !owner_or_capable(*task.credentials(), TRY(file->attributes())))
    return Errno(EPERM);
  TRY(file->set_flags(flags));
  update_async_io(task, fd, file, old.bits);
  return 0;
}

// fcntl(2): negative numbers are process groups.
Result<long> set_owner(CurrentTask& task, FileDescription& file, int type, int id) {
  FileDescription::AsyncOwner owner = file.async_owner();
  owner.type = type;
  owner.id = id;
  owner.uid = task.credentials()->real_uid;
  owner.effective_uid = task.credentials()->effective_uid;
  file.set_async_owner(owner);
  return 0;
}

// f_owner_ex with a number in place of its enumeration: the application writes there what it likes.
struct OwnerArgument {
  std::int32_t type;
  std::int32_t pid;
};
static_assert(sizeof(OwnerArgument) == sizeof(f_owner_ex) && offsetof(OwnerArgument, pid) == offsetof(f_owner_ex, pid));

Result<long> set_owner_ex(CurrentTask& task, FileDescription& file, std::uint64_t argument) {
  const OwnerArgument owner = TRY(task.read(UserIn<OwnerArgument>{{argument}}));
  if (owner.type < F_OWNER_TID || owner.type > F_OWNER_PGRP) return Errno(EINVAL);
  return set_owner(task, file, owner.type, owner.pid);
}

Result<long> get_owner_ex(CurrentTask& task, FileDescription& file, std::uint64_t argument) {
  const FileDescription::AsyncOwner owner = file.async_owner();
  TRY(task.write(UserOut<OwnerArgument>{{argument}}, {owner.type, owner.id}));
  return 0;
}

long get_owner(const FileDescription& file) {
  const FileDescription::AsyncOwner owner = file.async_owner();
  return owner.type == F_OWNER_PGRP ? -owner.id : owner.id;
}

Result<long> set_signal(FileDescription& file, std::uint64_t signal) {
  if (signal > static_cast<std::uint64_t>(kSignalCount)) return Errno(EINVAL);
  FileDescription::AsyncOwner owner = file.async_owner();
  owner.signal = static_cast<int>(signal);
  file.set_async_owner(owner);
  return 0;
}

Result<long> pipe_size(FileDescription& file, int command, std::uint64_t argument) {
  auto* const end = dynamic_cast<PipeEnd*>(&file);
  if (end == nullptr) return Errno(EBADF);
  if (command == F_GETPIPE_SZ) return static_cast<long>(end->pipe().capacity());
  return static_cast<long>(TRY(end->pipe().set_capacity(static_cast<std::uint32_t>(argument))));
}

// What may be done with a descriptor, whatever it is open for.
bool allowed_for_paths(int command) {
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC || command == F_GETFD || command == F_SETFD ||
         command == F_GETFL;
}

Result<long> descriptor_command(CurrentTask& task, Fd fd, const FilePtr& file, int command, std::uint64_t argument) {
  switch (command) {
    case F_DUPFD:
      return duplicate(task, file, argument, false);
    case F_DUPFD_CLOEXEC:
      return duplicate(task, file, argument, true);
    case F_GETFD:
      return TRY(task.files().close_on_exec(fd)) ? FD_CLOEXEC : 0;
    case F_SETFD:
      TRY(task.files().set_close_on_exec(fd, (argument & FD_CLOEXEC) != 0));
      return 0;
    default:
      return file->flags().bits;  // F_GETFL
  }
}

}  // namespace

Result<long> sys_dup(CurrentTask& task, Fd fd) { return duplicate(task, TRY(task.file(fd)), 0, false); }

Result<long> sys_dup2(CurrentTask& task, Fd fd, Fd target) {
  FilePtr file = TRY(task.file(fd));
  if (fd == target) return static_cast<long>(raw(fd));
  return replace(task, std::move(file), target, false);
}

Result<long> sys_dup3(CurrentTask& task, Fd fd, Fd target, OpenFlags flags) {
  if ((flags.bits & ~O_CLOEXEC) != 0 || fd == target) return Errno(EINVAL);
  return replace(task, TRY(task.file(fd)), target, flags.close_on_exec());
}

Result<long> sys_fcntl(CurrentTask& task, Fd fd, int command, std::uint64_t argument) {
  const FilePtr file = TRY(task.file(fd));
  if (allowed_for_paths(command)) return descriptor_command(task, fd, file, command, argument);
  if (file->flags().path_only()) return Errno(EBADF);
  switch (command) {
    case F_SETFL:
      return set_status_flags(task, fd, file, static_cast<int>(argument));
    case F_GETLK:
    case F_OFD_GETLK:
      return get_record_lock(task, file, command == F_OFD_GETLK, UserInOut<struct flock>{{argument}});
    case F_SETLK:
    case F_OFD_SETLK:
    case F_SETLKW:
    case F_OFD_SETLKW: {
      const bool ofd = command == F_OFD_SETLK || command == F_OFD_SETLKW;
      const bool wait = command == F_SETLKW || command == F_OFD_SETLKW;
      return set_record_lock(task, fd, file, ofd, wait, UserIn<struct flock>{{argument}});
    }
    case F_SETOWN: {
      const int id = static_cast<int>(argument);
      return id < 0 ? set_owner(task, *file, F_OWNER_PGRP, -id) : set_owner(task, *file, F_OWNER_PID, id);
    }
    case F_GETOWN:
      return get_owner(*file);
    case F_SETOWN_EX:
      return set_owner_ex(task, *file, argument);
    case F_GETOWN_EX:
      return get_owner_ex(task, *file, argument);
    case F_SETSIG:
      return set_signal(*file, argument);
    case F_GETSIG:
      return file->async_owner().signal;
    case F_SETLEASE:
      return set_lease(task, fd, file, argument);
    case F_GETLEASE:
      return get_lease(*file);
    case F_NOTIFY:
      return set_directory_notification(task, fd, file, argument);
    case F_SETPIPE_SZ:
    case F_GETPIPE_SZ:
      return pipe_size(*file, command, argument);
    case F_GET_SEALS:
      return TRY(file->seals());
    case F_ADD_SEALS:
      TRY(file->add_seals(static_cast<int>(argument)));
      return 0;
    default:
      return Errno(EINVAL);
  }
}

}  // namespace runsc
