// NUMA policies on a machine with one node: set_mempolicy(2), mbind(2), get_mempolicy(2). Arguments are checked as
// Linux does; every policy that passes means "node 0", and none is remembered.
#include <algorithm>

#include "boot/base/checked.h"
#include "boot/kernel/current_task.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

// linux/mempolicy.h.
enum Mode { kDefault, kPreferred, kBind, kInterleave, kLocal, kPreferredMany, kWeightedInterleave, kModeCount };
constexpr int kStaticNodes = 1 << 15, kRelativeNodes = 1 << 14, kNumaBalancing = 1 << 13;
constexpr int kModeFlags = kStaticNodes | kRelativeNodes | kNumaBalancing;
constexpr unsigned kMove = 1 << 1, kMoveAll = 1 << 2, kStrict = 1 << 0;
constexpr std::uint64_t kWantNode = 1, kWantAddress = 2, kWantAllowed = 4;

constexpr std::uint64_t kMostBits = kPageSize * 8;

// The nodes that a mask names: none, or node 0. EINVAL: any other.
Result<bool> read_nodes(CurrentTask& task, UserIn<std::uint64_t> mask, std::uint64_t max_node) {
  // One less than the argument says: the interface has always counted so.
  if (max_node == 0 || max_node == 1 || !mask) return false;
  const std::uint64_t bits = max_node - 1;
  if (bits > kMostBits) return Errno(EINVAL);
  const auto words = TRY(task.read_array(mask, (bits + 63) / 64));
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::uint64_t valid = bits - i * 64 >= 64 ? ~0ULL : (1ULL << (bits - i * 64)) - 1;
    if ((words[i] & valid & ~(i == 0 ? 1ULL : 0ULL)) != 0) return Errno(EINVAL);
  }
  return (words[0] & 1) != 0;
}

Result<void> check_policy(CurrentTask& task, int mode, UserIn<std::uint64_t> mask, std::uint64_t max_node) {
  const int flags = mode & kModeFlags;
  const int policy = mode & ~kModeFlags;
  if (policy < 0 || policy >= kModeCount) return Errno(EINVAL);
  if ((flags & kStaticNodes) != 0 && (flags & kRelativeNodes) != 0) return Errno(EINVAL);
  if ((flags & kNumaBalancing) != 0 && policy != kBind && policy != kPreferredMany) return Errno(EINVAL);
  const bool names_node = TRY(read_nodes(task, mask, max_node));
  switch (policy) {
    case kDefault:
      return names_node || flags != 0 ? Result<void>(Errno(EINVAL)) : Result<void>();
    case kLocal:
      return names_node || flags != 0 ? Result<void>(Errno(EINVAL)) : Result<void>();
    case kPreferred:
      return !names_node && flags != 0 ? Result<void>(Errno(EINVAL)) : Result<void>();
    default:
      return names_node ? Result<void>() : Result<void>(Errno(EINVAL));
  }
}

Result<void> write_nodes(CurrentTask& task, UserOut<std::uint64_t> mask, std::uint64_t max_node, bool node) {
  const std::uint64_t bits = max_node - 1;
  if (bits > kMostBits) return Errno(EINVAL);
  std::vector<std::uint64_t> words((bits + 63) / 64);
  if (!words.empty()) words[0] = node ? 1 : 0;
  return task.write_array(mask, std::span<const std::uint64_t>(words));
}

}  // namespace

Result<long> sys_set_mempolicy(CurrentTask& task, int mode, UserIn<std::uint64_t> mask, std::uint64_t max_node) {
  TRY(check_policy(task, mode, mask, max_node));
  return 0;
}

Result<long> sys_mbind(CurrentTask& task, UserAddress address, std::uint64_t length, int mode,
                       UserIn<std::uint64_t> mask, std::uint64_t max_node, unsigned flags) {
  if ((flags & ~(kStrict | kMove | kMoveAll)) != 0) return Errno(EINVAL);
  if ((flags & kMoveAll) != 0 && !task.capable(CAP_SYS_NICE)) return Errno(EPERM);
  const auto rounded = page_ceil(length);
  if (!page_aligned(address.value) || !rounded) return Errno(EINVAL);
  const auto end = checked_add(address.value, *rounded);
  if (!end) return Errno(EINVAL);
  TRY(check_policy(task, mode, mask, max_node));
  if (*rounded != 0 && !task.memory().covers({address.value, *end})) return Errno(EFAULT);
  return 0;
}

Result<long> sys_get_mempolicy(CurrentTask& task, UserOut<int> mode, UserOut<std::uint64_t> mask,
                               std::uint64_t max_node, UserAddress address, std::uint64_t flags) {
  if ((flags & ~(kWantNode | kWantAddress | kWantAllowed)) != 0) return Errno(EINVAL);
  if (mask && max_node < 1) return Errno(EINVAL);
  const bool allowed = (flags & kWantAllowed) != 0;
  const bool by_address = (flags & kWantAddress) != 0;
  if (allowed && (flags & (kWantNode | kWantAddress)) != 0) return Errno(EINVAL);
  if (!by_address && address && !allowed) return Errno(EINVAL);
  if (by_address && !task.memory().mapped(address.value)) return Errno(EFAULT);
  // The node of the next page to allocate exists only under an interleaving policy.
  if ((flags & kWantNode) != 0 && !by_address) return Errno(EINVAL);
  if (mode) TRY(task.write(mode, 0));  // MPOL_DEFAULT, or node 0
  if (mask) TRY(write_nodes(task, mask, max_node, allowed));
  return 0;
}

}  // namespace runsc
