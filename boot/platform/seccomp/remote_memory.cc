#include "boot/platform/seccomp/remote_memory.h"

#include <sys/uio.h>

#include <algorithm>
#include <array>

#include "boot/base/log.h"

namespace runsc::seccomp {
namespace {

using Range = AddressSpace::Range;
using HostCopy = ssize_t (*)(pid_t, const iovec*, unsigned long, const iovec*, unsigned long, unsigned long);

constexpr std::size_t kMaxRanges = 16;
// Below the host's own limit for one call, at which it would stop short without a fault.
constexpr std::uint64_t kMaxBytes = 1 << 30;

// What one host call copies.
struct Batch {
  std::array<iovec, kMaxRanges> remote;
  std::size_t ranges = 0;
  std::size_t bytes = 0;
  bool blocked = false;  // a forbidden address follows
};

// A position in a list of ranges.
class Cursor {
 public:
  Cursor(std::span<const Range> ranges, const AddressRules& rules) : ranges_(ranges), rules_(rules) {}

  // Up to `limit` bytes from here on.
  Batch take(std::uint64_t limit) {
    Batch batch;
    limit = std::min(limit, kMaxBytes);
    while (batch.ranges < kMaxRanges && batch.bytes < limit && index_ < ranges_.size() && !batch.blocked)
      add(batch, limit - batch.bytes);
    return batch;
  }

 private:
  void add(Batch& batch, std::uint64_t limit) {
    const Range& range = ranges_[index_];
    const std::uint64_t want = std::min(range.length - done_, limit);
    const std::uint64_t address = range.address + done_;
    const std::uint64_t can = rules_.accessible(address, want);
    if (can != 0) {
      batch.remote[batch.ranges++] = {reinterpret_cast<void*>(address), can};
      batch.bytes += can;
    }
    batch.blocked = can < want;
    done_ += want;
    if (done_ == range.length) {
      ++index_;
      done_ = 0;
    }
  }

  std::span<const Range> ranges_;
  const AddressRules& rules_;
  std::size_t index_ = 0;
  std::uint64_t done_ = 0;  // bytes of ranges_[index_]
};

Result<std::size_t> copy(pid_t pid, const AddressRules& rules, HostCopy host_copy, std::span<const Range> ranges,
                         std::byte* local, std::size_t size) {
  Cursor cursor(ranges, rules);
  std::size_t copied = 0;
  bool fault = false;
  while (copied < size && !fault) {
    const Batch batch = cursor.take(size - copied);
    if (batch.bytes == 0 && !batch.blocked) break;
    ssize_t count = 0;
    if (batch.bytes != 0) {
      const iovec here{local + copied, batch.bytes};
      count = host_copy(pid, &here, 1, batch.remote.data(), batch.ranges, 0);
    }
    if (count < 0 && errno != EFAULT && errno != ESRCH) PLOG(WARNING) << "copying of application memory failed";
    if (count > 0) copied += static_cast<std::size_t>(count);
    fault = batch.blocked || count < static_cast<ssize_t>(batch.bytes);
  }
  if (fault && copied == 0) return Errno(EFAULT);
  return copied;
}

}  // namespace

Result<std::size_t> RemoteMemory::read(std::span<const Range> ranges, std::span<std::byte> to) const {
  return copy(pid_, rules_, process_vm_readv, ranges, to.data(), to.size());
}

Result<std::size_t> RemoteMemory::write(std::span<const Range> ranges, std::span<const std::byte> from) const {
  return copy(pid_, rules_, process_vm_writev, ranges, const_cast<std::byte*>(from.data()), from.size());
}

}  // namespace runsc::seccomp
