// The seccomp filter of application threads: which system call takes which way to the kernel.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace runsc::seccomp {

// Default: user notification. Nothing reaches the host's implementation but what this file's rules name.
std::vector<sock_filter> application_filter();

}  // namespace runsc::seccomp
