// Makes "mqueue" a file system type of a sandbox.
#pragma once

#include "boot/vfs/vfs_services.h"

namespace runsc {

// mq_overview(7). Every mount shows the queues of the IPC namespace of whoever mounted it; mq_open(2) asks the same
// factory for them.
void register_mqueue(VfsServices& services);

}  // namespace runsc
