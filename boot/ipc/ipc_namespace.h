// ipc_namespaces(7).
#pragma once

#include <functional>

#include "boot/ipc/message_queues.h"
#include "boot/ipc/semaphores.h"
#include "boot/ipc/shared_memory.h"

namespace runsc {

struct IpcNamespace {
  Semaphores semaphores;
  MessageQueues message_queues;
  SharedMemory shared_memory;
};

}  // namespace runsc
