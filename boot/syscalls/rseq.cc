// rseq(2): restartable sequences, and the number of the processor in the application's own memory.
//
// What matters happens on the host, which runs the application's threads: it keeps the numbers up to date and aborts
// sequences. So the thread makes the call itself, once it is known how the host will answer.
#include <linux/rseq.h>
#include <sys/auxv.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

#include "boot/abi/auxv.h"
#include "boot/kernel/current_task.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

// struct rseq as it was first, and the place of its rseq_cs.
constexpr std::uint32_t kFirstSize = 32;
constexpr std::uint64_t kFirstAlignment = 32;
constexpr std::uint64_t kSequenceOffset = 8;

bool fits(UserAddress address, std::uint32_t length) {
  if (length == kFirstSize) return address.value % kFirstAlignment == 0;
  // A host that does not tell knows the first size only.
  const std::uint64_t features = getauxval(kRseqFeatureSize);
  return features != 0 && length > kFirstSize && length >= features && address.value % std::bit_ceil(features) == 0;
}

Result<void> check_end(const RseqArea& present, const RseqArea& named) {
  if (present.address == 0 || present.address != named.address || present.length != named.length) return Errno(EINVAL);
  if (present.signature != named.signature) return Errno(EPERM);
  return {};
}

Result<void> check_start(CurrentTask& task, const RseqArea& present, const RseqArea& named) {
  if (present.address != 0) {
    TRY(check_end(present, named));
    return Errno(EBUSY);
  }
  if (!fits({named.address}, named.length)) return Errno(EINVAL);
  // The host reads the pointer to the present sequence.
  (void)TRY(task.read(UserIn<std::uint64_t>{{named.address + kSequenceOffset}}));
  return {};
}

}  // namespace

Result<long> sys_rseq(CurrentTask& task, UserAddress address, unsigned length, int flags, unsigned signature) {
  if ((flags & ~RSEQ_FLAG_UNREGISTER) != 0) return Errno(EINVAL);
  const RseqArea named{address.value, length, signature};
  const RseqArea& present = task.context().rseq();
  TRY((flags & RSEQ_FLAG_UNREGISTER) != 0 ? check_end(present, named) : check_start(task, present, named));
  return task.call_on_host();
}

}  // namespace runsc
