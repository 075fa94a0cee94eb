// The files behind mmap(2) with MAP_SHARED | MAP_ANONYMOUS.
#pragma once

#include "boot/kernel/current_task.h"
#include "boot/memory/memory_manager.h"

namespace runsc {

// Gives a request for shared anonymous memory the file that its pages lie in; leaves all others as they are. Small
// pieces share one host file; each bigger one has its own, and so one of the host descriptors, of which the whole
// sandbox has 20,000. ENOMEM: the container has its share of either.
Result<void> back_shared_mapping(CurrentTask& task, MmapRequest& request);

}  // namespace runsc
