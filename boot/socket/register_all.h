// The socket families of a sandbox.
#pragma once

#include <map>
#include <string>

#include "boot/base/result.h"
#include "boot/kernel/kernel.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// Fills kernel.sockets and services.network_table; both must outlive the sockets. Before the seccomp policy, which
// opens nothing by a path. `sysctls`: of the container's configuration. `proc`: the directory of a procfs, borrowed;
// -1: none.
Result<void> register_sockets(Kernel& kernel, VfsServices& services, const std::map<std::string, std::string>& sysctls,
                              int proc);

}  // namespace runsc
