// The processors that there are, as sets of one bit each. Numbers are the host's: the vdso tells them anyway. A machine
// with more than 64 shows its first 64.
#pragma once

#include <cstdint>

namespace runsc {

class Kernel;
class Task;

// Those that the host lets the sandbox use at this moment: its cpuset, or what its caller was bound to. Never empty.
std::uint64_t allowed_processors();

// Those that are online, whether the sandbox may use them or not: what /proc/cpuinfo and /sys list.
std::uint64_t online_processors(const Kernel& kernel);

// sched_getaffinity(2): what the task has asked for, as far as it is allowed; else all that is.
std::uint64_t effective_affinity(const Task& task);

}  // namespace runsc
