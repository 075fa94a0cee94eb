// The boot process's seccomp policy.
#pragma once

#include <vector>

#include "boot/base/result.h"
#include "boot/base/seccomp_rules.h"

namespace runsc {

std::vector<SeccompRule> boot_rules();

// Confines the process for good. After the platform's zygote exists (agents are its children, not this process's) and
// before any thread does.
Result<void> install_boot_filter();

}  // namespace runsc
