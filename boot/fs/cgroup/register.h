// Makes "cgroup" and "cgroup2" file system types of a sandbox.
#pragma once

#include "boot/kernel/kernel.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

void register_cgroup(Kernel& kernel, VfsServices& services);

}  // namespace runsc
