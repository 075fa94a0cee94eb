// ipc_namespaces(7).
#pragma once

#include <functional>
#include <memory>

#include "boot/base/lock.h"
#include "boot/ipc/message_queues.h"
#include "boot/ipc/semaphores.h"
#include "boot/ipc/shared_memory.h"
#include "boot/kernel/user_namespace.h"

namespace runsc {

// Thread-safe.
struct IpcNamespace {
  UserNamespacePtr owner;  // whose CAP_SYS_ADMIN enters it; null: the first one. Set before others see it
  Semaphores semaphores;
  MessageQueues message_queues;
  SharedMemory shared_memory;

  // The file system of POSIX message queues (boot/fs/mqueue), which `make` makes for whoever asks first.
  FileSystemPtr posix_queues(const std::function<FileSystemPtr()>& make);

 private:
  Guarded<FileSystemPtr, LockLevel::kLeaf> posix_queues_;
};
using IpcNamespacePtr = std::shared_ptr<IpcNamespace>;

}  // namespace runsc
