// The devices that need no hardware: null, zero, full, random, urandom (mem(4), null(4), full(4), random(4)).
#pragma once

#include "boot/vfs/vfs_services.h"

namespace runsc {

// Registers their openers. `services` outlives them.
void register_memory_devices(VfsServices& services);

}  // namespace runsc
