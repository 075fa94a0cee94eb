// ipc_namespaces(7).
#pragma once

#include <functional>
#include <memory>

#include "boot/base/lock.h"
#include "boot/ipc/message_queues.h"
#include "boot/ipc/semaphores.h"
#include "boot/ipc/shared_memory.h"

namespace runsc {

// Thread-safe.
struct IpcNamespace {
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
