// The default contents of a container's /dev (runtime-spec, "Default Devices" and "Dev symbolic links").
#pragma once

#include <string>

#include "boot/loader/container_config.h"
#include "boot/vfs/walk_context.h"

namespace runsc {

// Fills the directory `path`, which was just mounted: nodes, links, and the mount points pts, shm, mqueue. With a
// terminal, /dev/console too.
Result<void> fill_dev(const WalkContext& context, const std::string& path, bool terminal);

// Makes a device of the configuration, with the directories that lead to it; one that is there already is replaced by
// runc only where it is the same, so it is left.
Result<void> make_device(const WalkContext& context, const ContainerDevice& device);

}  // namespace runsc
