// /proc/meminfo as text.
#pragma once

#include <cstdint>
#include <string>

namespace runsc {

struct SystemMemory {
  std::uint64_t total = 0, free = 0, buffers = 0;  // bytes
};

std::string format_meminfo(const SystemMemory& memory);

}  // namespace runsc
