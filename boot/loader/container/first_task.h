// The first process of a container, from its configuration.
#pragma once

#include <array>
#include <memory>

#include "boot/base/unique_fd.h"
#include "boot/kernel/kernel.h"
#include "boot/loader/container/failure.h"
#include "boot/loader/container_config.h"
#include "boot/vfs/mount.h"

namespace runsc {

// Loads the program and makes the task, ready for Kernel::start(). Null and `failure` if it cannot run; nothing is left
// behind then. `stdio` are taken as descriptors 0 to 2; with config.terminal they are one terminal, which the task
// controls.
std::unique_ptr<CurrentTask> make_first_task(Kernel& kernel, const ContainerConfig& config,
                                             const MountNamespacePtr& mounts, std::array<UniqueFd, 3> stdio,
                                             StartStatus& failure);

}  // namespace runsc
