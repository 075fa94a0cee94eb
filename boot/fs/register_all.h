// Makes the file systems and devices known to the VFS of one sandbox.
#pragma once

#include "boot/kernel/kernel.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// ENFILE, ENOMEM: the host gives no memory file.
Result<void> register_file_systems(Kernel& kernel, VfsServices& services);

}  // namespace runsc
