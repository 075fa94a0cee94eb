// The line of /proc/<pid>/stat, and what fills it.
#pragma once

#include "boot/fs/proc/process_facts.h"
#include "boot/memory/memory_manager.h"

namespace runsc {

struct StatFields {
  ProcessFacts facts;
  std::string name;
  int priority = 20, nice = 0, real_time_priority = 0, policy = 0;
  std::int64_t start_time_ns = 0;
  std::uint64_t virtual_bytes = 0, resident_bytes = 0, resident_limit = ~0ULL;
  MemoryManager::Image image;
};

// With the newline. Times are in ticks of 10 ms.
std::string format_stat(const StatFields& fields);

}  // namespace runsc
