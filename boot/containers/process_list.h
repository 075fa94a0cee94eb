// What a container consists of at the moment, for people and statistics.
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

struct MemoryInUse {
  std::uint64_t total = 0;  // bytes
  std::uint64_t files = 0;  // of these: pages of files, which other containers may use as well
};
// Of all address spaces. Asks the host about each mapping: slow.
MemoryInUse memory_in_use(Kernel& kernel, ControlGroup& control_group);

}  // namespace runsc
