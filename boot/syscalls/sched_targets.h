// Whom the calls of sched(7), setpriority(2) and ioprio_set(2) are about, and who may change what.
#pragma once

#include <vector>

#include "boot/kernel/current_task.h"

namespace runsc {

// The task with this id, or the caller for 0. ESRCH; EINVAL: negative.
Result<TaskPtr> sched_target(CurrentTask& task, Pid id);

// setpriority(2) and ioprio_set(2) name one task, a process group or a user.
enum class TargetKind { kTask, kProcessGroup, kUser };
// All of them; `who` 0 is the caller's own. ESRCH: none.
Result<std::vector<TaskPtr>> sched_targets(CurrentTask& task, TargetKind kind, int who);

// Whether the caller has the target's user, or CAP_SYS_NICE.
bool may_schedule(CurrentTask& task, Task& target);

// Whether RLIMIT_NICE or CAP_SYS_NICE allows the target this nice value.
bool may_be_nice(CurrentTask& task, Task& target, int nice);

}  // namespace runsc
