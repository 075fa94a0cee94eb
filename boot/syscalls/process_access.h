// Whether one process may look into another (ptrace(2), "Ptrace access mode checking").
#pragma once

#include "boot/kernel/current_task.h"

namespace runsc {

// ptrace_may_access() of Linux with PTRACE_MODE_ATTACH_REALCREDS. False for a target that has ended.
bool may_attach(CurrentTask& task, Task& target);

}  // namespace runsc
