// The address space: mmap(2), munmap(2), mprotect(2), mremap(2), brk(2), madvise(2), mincore(2), msync(2), mlock(2) and
// its family, membarrier(2).
#include <linux/membarrier.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>

#include "boot/base/checked.h"
#include "boot/kernel/current_task.h"
#include "boot/kernel/memory_limits.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/shared_mapping.h"

namespace runsc {
namespace {

// The thread that may do the work of a memory call by itself; null when it must not.
Context* native_context(CurrentTask& task) { return task.may_continue_natively() ? &task.context() : nullptr; }

// Ends a call of which the memory manager has said whether the application's thread does the rest.
long finish(CurrentTask& task, bool natively, std::uint64_t value = 0) {
  if (natively) task.continue_natively();
  return static_cast<long>(value);
}

bool plain_fixed(const MmapRequest& request) {
  return request.file == nullptr && (request.flags & (MAP_FIXED | MAP_PRIVATE)) == (MAP_FIXED | MAP_PRIVATE);
}

// Whether a register holds no more than the int that was looked at. The host would see the rest too.
bool fits(CurrentTask& task, int argument) { return task.event.args[argument] <= UINT32_MAX; }

constexpr int kMlockOnFault = 1;  // MLOCK_ONFAULT

}  // namespace

Result<long> sys_mmap(CurrentTask& task, UserAddress address, std::uint64_t length, Protection protection,
                      MapFlags flags, Fd fd, std::uint64_t offset) {
  if (!page_aligned(offset)) return Errno(EINVAL);
  MmapRequest request;
  request.address = address.value;
  request.length = length;
  request.protection = protection.bits;
  request.flags = flags.bits;
  request.offset = offset;
  if ((flags.bits & MAP_ANONYMOUS) == 0) request.file = TRY(task.io_file(fd));
  TRY(back_shared_mapping(task, request));
  const bool exact = fits(task, 2) && fits(task, 3);
  if (!plain_fixed(request) || !exact) return static_cast<long>(TRY(task.memory().mmap(request, memory_limits(task))));
  const bool natively = TRY(task.memory().mmap_fixed(request, memory_limits(task), native_context(task)));
  return finish(task, natively, request.address);
}

Result<long> sys_munmap(CurrentTask& task, UserAddress address, std::uint64_t length) {
  return finish(task, TRY(task.memory().munmap(address.value, length, native_context(task))));
}

Result<long> sys_mprotect(CurrentTask& task, UserAddress address, std::uint64_t length, Protection protection) {
  if (!fits(task, 2)) return Errno(EINVAL);
  return finish(task, TRY(task.memory().mprotect(address.value, length, protection.bits, memory_limits(task),
                                                 native_context(task))));
}

Result<long> sys_mremap(CurrentTask& task, UserAddress old_address, std::uint64_t old_length, std::uint64_t new_length,
                        int flags, UserAddress new_address) {
  return static_cast<long>(TRY(
      task.memory().mremap(old_address.value, old_length, new_length, flags, new_address.value, memory_limits(task))));
}

Result<long> sys_brk(CurrentTask& task, UserAddress address) {
  return static_cast<long>(task.memory().brk(address.value, memory_limits(task)));
}

Result<long> sys_madvise(CurrentTask& task, UserAddress address, std::uint64_t length, int advice) {
  return finish(task, TRY(task.memory().madvise(address.value, length, advice, native_context(task))));
}

Result<long> sys_mincore(CurrentTask& task, UserAddress address, std::uint64_t length, UserOut<std::uint8_t> vector) {
  constexpr std::uint64_t kChunk = 16 << 20;  // a page of the vector
  if (!page_aligned(address.value)) return Errno(EINVAL);
  const std::uint64_t end = TRY([&]() -> Result<std::uint64_t> {
    const auto sum = checked_add(address.value, length);
    if (!sum || *sum > task.memory().layout().task_size) return Errno(ENOMEM);
    return *sum;
  }());
  for (std::uint64_t at = address.value; at < end; at += kChunk) {
    const auto pages = TRY(task.memory().mincore(at, std::min(kChunk, end - at)));
    TRY(task.write_array(vector, std::span<const std::uint8_t>(pages)));
    vector.value += pages.size();
  }
  return 0;
}

Result<long> sys_msync(CurrentTask& task, UserAddress address, std::uint64_t length, int flags) {
  TRY(task.memory().msync(address.value, length, flags));
  return 0;
}

Result<long> sys_mlock(CurrentTask& task, UserAddress address, std::uint64_t length) {
  TRY(task.memory().lock(address.value, length, false, memory_limits(task)));
  return 0;
}

Result<long> sys_mlock2(CurrentTask& task, UserAddress address, std::uint64_t length, int flags) {
  if ((flags & ~kMlockOnFault) != 0) return Errno(EINVAL);
  TRY(task.memory().lock(address.value, length, flags == kMlockOnFault, memory_limits(task)));
  return 0;
}

Result<long> sys_munlock(CurrentTask& task, UserAddress address, std::uint64_t length) {
  TRY(task.memory().unlock(address.value, length));
  return 0;
}

Result<long> sys_mlockall(CurrentTask& task, int flags) {
  TRY(task.memory().lock_all(flags, memory_limits(task)));
  return 0;
}

Result<long> sys_munlockall(CurrentTask& task) {
  TRY(task.memory().unlock_all());
  return 0;
}

// The host knows the processors on which threads of the address space run: it executes the call in the caller's own
// thread, and keeps the registration with its address space. Barriers among several processes (MEMBARRIER_CMD_GLOBAL
// and its relatives) are not offered, as on Linux with nohz_full.
Result<long> sys_membarrier(CurrentTask& task, int command, unsigned flags, int) {
  constexpr int kOffered = MEMBARRIER_CMD_PRIVATE_EXPEDITED | MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED |
                           MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE |
                           MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE;
  if (flags != 0) return Errno(EINVAL);
  if (command == MEMBARRIER_CMD_QUERY) return kOffered;
  if (!std::has_single_bit(static_cast<unsigned>(command)) || (command & ~kOffered) != 0) return Errno(EINVAL);
  return task.call_on_host();
}

}  // namespace runsc
