#include "boot/kernel/memory_limits.h"

#include <sys/resource.h>

#include "boot/kernel/current_task.h"

namespace runsc {

MemoryManager::CallLimits memory_limits(const CurrentTask& task) {
  const LimitTable table = task.group().limits().all();
  MemoryManager::CallLimits limits;
  limits.address_space = table.values[RLIMIT_AS].soft;
  limits.data = table.values[RLIMIT_DATA].soft;
  limits.stack = table.values[RLIMIT_STACK].soft;
  if (!task.capable(CAP_IPC_LOCK)) limits.locked = table.values[RLIMIT_MEMLOCK].soft;
  return limits;
}

}  // namespace runsc
