// NamesProcess: an inode that stands for a process, as a directory of /proc does: pidfd_send_signal(2) takes a
// descriptor of it.
#pragma once

#include "boot/base/result.h"
#include "boot/kernel/thread_group.h"

namespace runsc {

class NamesProcess {
 public:
  // ESRCH when it was reaped; EBADF when it is a thread that is meant. From any thread.
  virtual Result<ThreadGroupPtr> named_process() const = 0;

 protected:
  ~NamesProcess() = default;
};

}  // namespace runsc
