// eventfd(2).
#include <sys/eventfd.h>

#include "boot/fs/anon/event_fd.h"
#include "boot/kernel/current_task.h"
#include "boot/syscalls/handlers.h"

namespace runsc {

Result<long> sys_eventfd2(CurrentTask& task, unsigned initial, int flags) {
  if ((flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) != 0) return Errno(EINVAL);
  const Fd fd = TRY(task.install(std::make_shared<EventFd>(initial, flags), (flags & EFD_CLOEXEC) != 0));
  return raw(fd);
}

Result<long> sys_eventfd(CurrentTask& task, unsigned initial) { return sys_eventfd2(task, initial, 0); }

}  // namespace runsc
