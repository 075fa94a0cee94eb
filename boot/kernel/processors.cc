#include "boot/kernel/processors.h"

#include <sched.h>
#include <unistd.h>

#include <bit>

#include "boot/kernel/kernel.h"
#include "boot/kernel/task.h"

namespace runsc {

// Of the main thread: others may be bound to one processor for a while.
std::uint64_t allowed_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::uint64_t out = 0;
  if (::sched_getaffinity(::getpid(), sizeof set, &set) != 0) return 1;
  for (int i = 0; i < 64; ++i) out |= std::uint64_t{CPU_ISSET(i, &set) != 0} << i;
  if (out != 0) return out;
  const int count = CPU_COUNT(&set);
  return count >= 64 ? ~0ULL : (1ULL << count) - 1;
}

std::uint64_t online_processors(const Kernel& kernel) {
  const std::uint64_t allowed = allowed_processors();
  if (kernel.host_processors != 0) return kernel.host_processors | allowed;
  const int width = std::bit_width(allowed);
  return width == 64 ? ~0ULL : (1ULL << width) - 1;
}

std::uint64_t effective_affinity(const Task& task) {
  const std::uint64_t allowed = allowed_processors();
  const std::uint64_t wanted = task.affinity.load() & allowed;
  return wanted != 0 ? wanted : allowed;
}

}  // namespace runsc
