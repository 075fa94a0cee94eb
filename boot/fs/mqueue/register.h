// Makes "mqueue" a file system type of a sandbox.
#pragma once

#include "boot/vfs/vfs_services.h"

namespace runsc {

// mq_overview(7): until POSIX message queues exist, a directory that stays empty.
void register_mqueue(VfsServices& services);

}  // namespace runsc
