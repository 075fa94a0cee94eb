// What clone(2) and waitid(2) need of pidfds (boot/syscalls/pidfd.cc).
#pragma once

#include "boot/abi/user_pointer.h"
#include "boot/kernel/current_task.h"

namespace runsc {

// Installs a close-on-exec pidfd of `group` and stores its number (CLONE_PIDFD).
Result<void> store_pidfd(CurrentTask& task, const ThreadGroupPtr& group, UserOut<int> where);

// The process that a pidfd stands for. EBADF: not a pidfd.
struct PidfdTarget {
  ThreadGroupPtr group;
  bool nonblocking = false;
};
Result<PidfdTarget> pidfd_target(CurrentTask& task, Fd fd);

}  // namespace runsc
