// Makes "sysfs" a file system type of a sandbox.
#pragma once

#include "boot/kernel/kernel.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

void register_sysfs(Kernel& kernel, VfsServices& services);

}  // namespace runsc
