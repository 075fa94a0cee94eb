// NamesProcess: an inode that stands for a process, as a directory of /proc does: pidfd_send_signal(2) takes a descriptor
// of it.
#pragma once

#include "boot/kernel/thread_group.h"

namespace runsc {

class NamesProcess {
 public:
  // Null when it was reaped, or when it is a thread that is meant. Any thread.
  virtual ThreadGroupPtr named_process() const = 0;

 protected:
  ~NamesProcess() = default;
};

}  // namespace runsc
