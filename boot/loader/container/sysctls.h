// linux.sysctl of the OCI configuration.
#pragma once

#include "boot/loader/container/failure.h"
#include "boot/loader/container_config.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// Fails for names that the kernel does not have and for values that it would not accept. kernel.hostname and
// kernel.domainname belong to the first task (process.h), and are left to its container.
StartStatus set_sysctls(const ContainerConfig& config, const VfsServices& services);

// What a sysctl of the configuration says about one of these two names; else `otherwise`.
std::string configured_name(const ContainerConfig& config, const std::string& sysctl, const std::string& otherwise);

}  // namespace runsc
