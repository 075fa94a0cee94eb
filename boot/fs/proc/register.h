// Makes "proc" a file system type of a sandbox.
#pragma once

#include "boot/kernel/kernel.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// Both must outlive every mount. mount(2) shows the caller's pid namespace; the loader, which has no task, the root
// one. Also fills services.set_sysctl.
void register_proc(Kernel& kernel, VfsServices& services);

}  // namespace runsc
