// The processes of a container, for people.
#pragma once

#include <cstdint>
#include <vector>

#include "boot/kernel/control_group.h"
#include "boot/kernel/kernel.h"
#include "control/types.h"

namespace runsc {

// By their numbers in `numbers`. Takes the task tree's lock; reads their arguments without it.
std::vector<control::ProcessInfo> list_processes(Kernel& kernel, ControlGroup& control_group,
                                                 const PidNamespace& numbers);

}  // namespace runsc
