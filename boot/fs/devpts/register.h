// Makes devpts mountable and the terminal devices openable.
#pragma once

#include "boot/kernel/kernel.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// /dev/tty (5:0), /dev/console (5:1), /dev/ptmx (5:2), the slaves of pseudoterminals (136:*), and the file system
// devpts. `kernel` outlives `services`.
void register_devpts(Kernel& kernel, VfsServices& services);

}  // namespace runsc
