// What the system calls of System V IPC have in common.
#pragma once

#include "boot/ipc/ipc_namespace.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"

namespace runsc {

// ENOSYS: the sandbox has none.
inline Result<IpcNamespace*> ipc_of(CurrentTask& task) {
  if (task.kernel().ipc == nullptr) return Errno(ENOSYS);
  return task.kernel().ipc.get();
}

inline int caller_pid(CurrentTask& task) { return raw(task.group().pid()); }

}  // namespace runsc
