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

// The process's semaphore adjustments stay behind: they are made now, as Linux does.
inline void enter_ipc_namespace(CurrentTask& task, IpcNamespacePtr ipc) {
  if (const auto left = task.task().resources().ipc) left->semaphores.undo_all(task.group());
  task.task().change_resources([&](TaskResources& r) { r.ipc.swap(ipc); });
}

}  // namespace runsc
