// startContainer hooks: programs of the container that run inside it just before its first process.
#pragma once

#include "boot/containers/exit_notice.h"
#include "boot/kernel/kernel.h"
#include "boot/loader/container/process.h"
#include "boot/loader/container_config.h"

namespace runsc {

// Runs one after the other, each with the container's state on its standard input, and with the credentials, limits and
// working directory of the first process, as runc does. nullopt: all have ended with status 0. The first that fails, or
// does not end in its time and is killed for it, is the last one; its output is in the message. Waits for them.
StartStatus run_start_hooks(Kernel& kernel, ExitTable& exits, const ContainerConfig& config, const ProcessPlace& place);

}  // namespace runsc
