// Which processes of the host carry out the processes of a sandbox.
#pragma once

#include <sys/types.h>

#include <vector>

namespace runsc {

// `numbers` are processes as the pid namespace of the process `boot` counts them; the result are their ids here,
// without those that have ended, in the order of `numbers`.
std::vector<pid_t> host_pids(pid_t boot, const std::vector<pid_t>& numbers);

}  // namespace runsc
