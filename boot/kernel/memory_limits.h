// The limits of a task's process as the memory manager wants them.
#pragma once

#include "boot/memory/memory_manager.h"

namespace runsc {

class CurrentTask;

MemoryManager::CallLimits memory_limits(const CurrentTask& task);

}  // namespace runsc
