// The rules of the gofer's seccomp policy. Needed when the program is built, not when it runs.
#pragma once

#include <vector>

#include "boot/base/seccomp_rules.h"

namespace runsc::gofer {

// `proc_self_fd`: the descriptor of /proc/self/fd, the only directory below which plain openat(2) is allowed.
std::vector<SeccompRule> gofer_rules(int proc_self_fd);

}  // namespace runsc::gofer
