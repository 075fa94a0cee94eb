#include "boot/platform/seccomp/continuable.h"

#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <bit>

#include "boot/platform/native_calls.h"

namespace runsc::seccomp {
namespace {

constexpr std::uint64_t kProtections = PROT_READ | PROT_WRITE | PROT_EXEC;

// Anonymous, at an exact address, with none of the flags that change where or what is mapped.
bool is_plain_mapping(const seccomp_data& call) {
  constexpr std::uint64_t kNeeded = MAP_FIXED | MAP_ANONYMOUS;
  constexpr std::uint64_t kAllowed =
      kNeeded | MAP_SHARED | MAP_PRIVATE | MAP_NORESERVE | MAP_POPULATE | MAP_STACK | MAP_GROWSDOWN | MAP_LOCKED;
  const std::uint64_t flags = call.args[3];
  return (flags & kNeeded) == kNeeded && (flags & ~kAllowed) == 0 && (call.args[2] & ~kProtections) == 0;
}

// Barriers among the threads of the caller's own address space, and the registration for them: registers only.
bool is_own_barrier(const seccomp_data& call) {
  constexpr std::uint64_t kExpedited = MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                                       MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
                                       MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
  const std::uint64_t command = call.args[0] & 0xffffffff;
  return std::has_single_bit(command) && (command & ~kExpedited) == 0 && (call.args[1] & 0xffffffff) == 0;
}

// What application_filter() lets threads do without asking: no memory of the kernel's, no descriptor. Threads that must
// ask (guarded_application_filter()) get here.
bool is_native_anyway(const seccomp_data& call) {
  const auto names = [](const auto& values, std::uint64_t argument) {
    return std::find(values.begin(), values.end(), static_cast<std::uint32_t>(argument)) != values.end();
  };
  if (call.nr == SYS_futex) return names(kNativeFutexCommands, call.args[1] & ~std::uint64_t{kFutexFlags});
  if (call.nr == SYS_arch_prctl) return names(kNativeArchPrctls, call.args[0]);
  return call.nr == SYS_futex_waitv;
}

// The address is a register's, and the host checks what it finds there: it reads and writes as the application could.
bool names_own_area(const AddressRules& rules, const seccomp_data& call) {
  const std::uint64_t length = call.args[1] & 0xffffffff;
  return rules.accessible(call.args[0], length) == length;
}

}  // namespace

bool may_continue(const AddressRules& rules, const seccomp_data& call) {
  if (is_native_anyway(call)) return true;
  std::uint64_t length = call.args[1];
  switch (call.nr) {
    case SYS_rseq:
      return names_own_area(rules, call);
    case SYS_membarrier:
      return is_own_barrier(call);
    case SYS_munmap:
    case SYS_madvise:
    case SYS_mlock:
    case SYS_munlock:
    case SYS_msync:
      break;
    case SYS_mprotect:
      if ((call.args[2] & ~kProtections) != 0) return false;
      break;
    case SYS_mremap:
      if (call.args[3] != 0) return false;
      length = std::max(length, static_cast<std::uint64_t>(call.args[2]));
      break;
    case SYS_mmap:
      if (!is_plain_mapping(call)) return false;
      break;
    default:
      return false;
  }
  return rules.check_rounded_mapping(call.args[0], length).ok();
}

}  // namespace runsc::seccomp
