// The gofer's seccomp policy: a list of rules, each with its reason. Whatever is not on the list kills the process.
#pragma once

#include <vector>

#include "boot/base/result.h"
#include "boot/base/seccomp_rules.h"

namespace runsc::gofer {

// `proc_self_fd`: the descriptor of /proc/self/fd, the only directory below which plain openat(2) is allowed.
std::vector<SeccompRule> gofer_rules(int proc_self_fd);

// Confines all threads of the process with them, for good.
Result<void> install_gofer_filter(int proc_self_fd);

}  // namespace runsc::gofer
