#include "boot/base/time_slice.h"

// Not beside <sched.h>: both define sched_param.
#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace runsc {

void ask_for_short_time_slices() {
  constexpr std::uint64_t kNanoseconds = 500'000;
  constexpr std::uint32_t kNormal = 0, kBatch = 3;  // the policies that have slices
  sched_attr attributes{};
  if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return;
  if (attributes.sched_policy != kNormal && attributes.sched_policy != kBatch) return;
  attributes.sched_runtime = kNanoseconds;
  ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace runsc
