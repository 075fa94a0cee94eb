// The interfaces of the host's network namespace that the boot process lives in.
#pragma once

#include <functional>
#include <string>

#include "boot/base/result.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// Answers VfsServices::network_interface with a socket of its own, made before the seccomp policy.
Result<std::function<Result<NetworkInterface>(const std::string&)>> host_interfaces();

}  // namespace runsc
