// ioctl(2): the commands that every descriptor knows; the others are the file's own.
#include <sys/ioctl.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/fd_table.h"
#include "boot/syscalls/async_io.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

Result<long> set_status_flag(CurrentTask& task, Fd fd, const FilePtr& file, int flag, std::uint64_t argument) {
  const int on = TRY(task.read(UserIn<int>{{argument}}));
  const int flags = file->flags().bits;
  TRY(file->set_flags(on != 0 ? flags | flag : flags & ~flag));
  update_async_io(task, fd, file, flags);
  return 0;
}

// What is left of a regular file.
Result<long> unread_bytes(CurrentTask& task, FileDescription& file, std::uint64_t argument) {
  const FileAttributes attributes = TRY(file.attributes());
  const std::int64_t left = static_cast<std::int64_t>(attributes.size) - TRY(file.seek(0, SEEK_CUR));
  TRY(task.write(UserOut<int>{{argument}}, static_cast<int>(left)));
  return 0;
}

}  // namespace

Result<long> sys_ioctl(CurrentTask& task, Fd fd, std::uint32_t command, std::uint64_t argument) {
  const FilePtr file = TRY(task.io_file(fd));
  switch (command) {
    case FIOCLEX:
    case FIONCLEX:
      TRY(task.files().set_close_on_exec(fd, command == FIOCLEX));
      return 0;
    case FIONBIO:
      return set_status_flag(task, fd, file, O_NONBLOCK, argument);
    case FIOASYNC:
      return set_status_flag(task, fd, file, O_ASYNC, argument);
    case FIONREAD: {
      const InodePtr inode = file->inode();
      if (inode && S_ISREG(inode->type())) return unread_bytes(task, *file, argument);
      break;
    }
    default:
      break;
  }
  return static_cast<long>(TRY(file->ioctl(task, command, argument)));
}

}  // namespace runsc
