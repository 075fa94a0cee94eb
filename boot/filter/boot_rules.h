// The rules of the boot process's seccomp policy. Needed when the program is built, not when it runs.
#pragma once

#include <vector>

#include "boot/base/seccomp_rules.h"

namespace runsc {

std::vector<SeccompRule> boot_rules();

}  // namespace runsc
