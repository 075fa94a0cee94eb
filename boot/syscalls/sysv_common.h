// What the system calls of System V IPC have in common.
#pragma once

#include "boot/ipc/ipc_namespace.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"

namespace runsc {

// ENOSYS: the task has none.
inline Result<std::shared_ptr<IpcNamespace>> ipc_of(CurrentTask& task) {
  std::shared_ptr<IpcNamespace> ipc = task.task().resources().ipc;
  if (!ipc) return Errno(ENOSYS);
  return ipc;
}

inline int caller_pid(CurrentTask& task) { return raw(task.group().pid()); }

}  // namespace runsc
