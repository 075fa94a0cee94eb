// The seccomp platform: system calls by seccomp user notification, memory by one agent process per address space.
#pragma once

#include <memory>
#include <string>

#include "boot/platform/platform.h"

namespace runsc {

// Call it while the process has one thread, and before its own seccomp filter is installed, since it clones the process
// from which all application processes descend. That shares this process's descriptor table.
// null: the platform cannot run here; `error` says why in one line, naming the feature and the Linux version.
std::unique_ptr<Platform> make_seccomp_platform(std::string& error);

}  // namespace runsc
