// The seccomp filters of application processes: which system call takes which way to the kernel.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace runsc::seccomp {

// Default: user notification. Nothing reaches the host's implementation but what this file's rules name.
std::vector<sock_filter> application_filter();

// The same without native calls of the application: all of them notify. For threads whose own seccomp filters the
// kernel has to ask first.
std::vector<sock_filter> guarded_application_filter();

// The worker's: it only makes a listener of the doorbell. The worker executes nothing but the stub's code.
std::vector<sock_filter> worker_filter();

}  // namespace runsc::seccomp
