// How the host schedules a container: config.json's process.scheduler, ioPriority and oomScoreAdj, and what a process
// has of its caller where these say nothing, as with runc.
#pragma once

#include <sys/types.h>

#include <optional>
#include <vector>

#include "boot/loader/process_config.h"
#include "runsc/oci/spec.h"

namespace runsc {

// What the process is told of itself.
ProcessScheduling scheduling_of(const oci::Process& process);

// Absent where /proc cannot be read.
std::optional<int> own_oom_score_adj();

// For host processes that run none of the application's code yet; those forked from them inherit it. What `process`
// does not say stays as it is. Throws UserError.
void set_host_scheduling(const oci::Process& process, const std::vector<pid_t>& pids);

// The nice value of this process, for host processes that are not forked from it.
void hand_on_nice(const std::vector<pid_t>& pids);

}  // namespace runsc
