// mmap(2) and munmap(2).
#include <sys/mount.h>

#include <optional>

#include "boot/base/checked.h"
#include "boot/memory/memory_manager.h"
#include "boot/memory/placement.h"
#include "boot/memory/shared_memory.h"
#include "boot/vfs/mount.h"

namespace runsc {
namespace {

// The flags that MAP_SHARED_VALIDATE accepts (LEGACY_MAP_MASK; MAP_SYNC only on file systems that have it, none here).
constexpr int kKnownFlags = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |
                            MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK |
                            MAP_HUGETLB | MAP_32BIT | (MAP_HUGE_MASK << MAP_HUGE_SHIFT);
// What a new program's stack has at once on Linux (setup_arg_pages).
constexpr std::string_view kInitialStack = "[stack]";
constexpr std::uint64_t kFirstStackBytes = 132 * 1024;
constexpr int kProtections = PROT_READ | PROT_WRITE | PROT_EXEC;

bool is_fixed(int flags) { return (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0; }

Result<std::uint64_t> checked_length(const MmapRequest& request) {
  if (request.length == 0) return Errno(EINVAL);
  const auto length = page_ceil(request.length);
  if (!length || *length == 0) return Errno(ENOMEM);
  if (!checked_add(request.offset, *length)) return Errno(EOVERFLOW);
  return *length;
}

// Huge pages: no pool of them exists here.
Result<void> check_huge(const MmapRequest& request) {
  if ((request.flags & MAP_HUGETLB) == 0) return {};
  if (request.file != nullptr) return Errno(EINVAL);
  const int size_log = (request.flags >> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
  if (size_log != 0 && size_log != 21 && size_log != 30) return Errno(EINVAL);
  return Errno(ENOMEM);
}

bool mounted_noexec(const FileDescription& file) {
  return file.path() && (file.path().mount->flags() & MS_NOEXEC) != 0;
}

// What the opened file and its mount allow.
Result<void> check_file(const MmapRequest& request, Vma& vma) {
  const OpenFlags mode = request.file->flags();
  if (vma.shared) {
    if ((request.protection & PROT_WRITE) != 0 && !mode.writable()) return Errno(EACCES);
    if (!mode.writable()) vma.max_protection &= ~PROT_WRITE;
  }
  if (!mode.readable()) return Errno(EACCES);
  if (mounted_noexec(*request.file)) {
    if ((request.protection & PROT_EXEC) != 0) return Errno(EPERM);
    vma.max_protection &= ~PROT_EXEC;
  }
  if ((request.flags & MAP_GROWSDOWN) != 0) return Errno(EINVAL);
  return {};
}

Result<void> check_type(const MmapRequest& request, Vma& vma) {
  switch (request.flags & MAP_TYPE) {
    case MAP_PRIVATE:
      return {};
    case MAP_SHARED_VALIDATE:
      if (request.file == nullptr) return Errno(EINVAL);
      if ((request.flags & ~(kKnownFlags | MAP_SHARED_VALIDATE | MAP_FIXED_NOREPLACE)) != 0) return Errno(EOPNOTSUPP);
      vma.shared = true;
      return {};
    case MAP_SHARED:
      if (request.file == nullptr && (request.flags & MAP_GROWSDOWN) != 0) return Errno(EINVAL);
      vma.shared = true;
      return {};
    default:
      return Errno(EINVAL);
  }
}

// The VMA that the request asks for, without its place.
Result<Vma> make_vma(const MmapRequest& request) {
  Vma vma;
  vma.protection = request.protection & kProtections;
  vma.name = request.name;
  vma.no_reserve = (request.flags & MAP_NORESERVE) != 0;
  vma.grows_down = (request.flags & MAP_GROWSDOWN) != 0;
  TRY(check_huge(request));
  TRY(check_type(request, vma));
  if (request.file == nullptr) return vma;
  TRY(check_file(request, vma));
  vma.file = request.file;
  vma.offset = request.offset;
  vma.own_pages = !vma.shared && (vma.protection & PROT_WRITE) != 0;
  return vma;
}

// Where the pages of the file lie. A sealed memfd can still be mapped if it is never to become writable.
Result<FileMapping> map_file(std::uint64_t length, Vma& vma) {
  const bool writable = vma.shared && (vma.max_protection & PROT_WRITE) != 0;
  auto mapping = vma.file->map(vma.offset, length, writable);
  if (mapping.ok() || !writable || mapping.error() != Errno(EPERM) || (vma.protection & PROT_WRITE) != 0)
    return mapping;
  vma.max_protection &= ~PROT_WRITE;
  return vma.file->map(vma.offset, length, false);
}

}  // namespace

Result<std::uint64_t> MemoryManager::mmap(const MmapRequest& request, const CallLimits& limits) {
  const std::uint64_t length = TRY(checked_length(request));
  if (is_fixed(request.flags)) TRY(check_fixed(request.address, length));
  if (length > layout_.task_size) return Errno(ENOMEM);
  if ((request.flags & MAP_LOCKED) != 0 && limits.locked == 0) return Errno(EPERM);
  Vma vma = TRY(make_vma(request));
  if (vma.shared && vma.file == nullptr) {
    vma.file = TRY(make_shared_memory(length));
    vma.name = "/dev/zero (deleted)";
    vma.offset = 0;  // whatever the caller gave
  }
  std::optional<FileMapping> mapping;
  // The file system's locks come before this object's.
  if (vma.file != nullptr) {
    mapping = TRY(map_file(length, vma));
    vma.pin = mapping->pin;
    vma.mappers = mapping->mappers;
    vma.beyond_end = has_part_beyond_end(*mapping);
  }
  bool natively = false;
  return map_checked(request, std::move(vma), mapping ? &*mapping : nullptr, limits, nullptr, natively);
}

Result<bool> MemoryManager::mmap_fixed(const MmapRequest& request, const CallLimits& limits, Context* native) {
  constexpr int kPlain = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE | MAP_STACK;
  const int required = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  const bool plain = (request.flags & ~kPlain) == 0 && (request.flags & required) == required &&
                     (request.protection & ~kProtections) == 0 &&
                     host_protection(request.protection) == request.protection;
  if (!plain || native == nullptr) {
    TRY(mmap(request, limits));
    return false;
  }
  const std::uint64_t length = TRY(checked_length(request));
  TRY(check_fixed(request.address, length));
  Vma vma = TRY(make_vma(request));
  bool natively = false;
  TRY(map_checked(request, std::move(vma), nullptr, limits, native, natively));
  return natively;
}

Result<std::uint64_t> MemoryManager::map_checked(const MmapRequest& request, Vma vma, const FileMapping* mapping,
                                                 const CallLimits& limits, Context* native, bool& natively) {
  std::vector<Vma> garbage;  // destroyed after the lock is released
  const std::uint64_t length = *page_ceil(request.length);
  Access state = state_.lock();
  const bool fixed = is_fixed(request.flags);
  if (fixed) settle(state, {request.address, request.address + length});
  vma.start = fixed ? request.address : TRY(place(*state, request.address, length, request.flags));
  vma.end = vma.start + length;
  const AddressRange range = vma.range();
  if ((request.flags & MAP_FIXED_NOREPLACE) != 0 && (state->vmas.overlaps(range) || touches_blocked(range)))
    return Errno(EEXIST);
  TRY(check_not_sealed(*state, range));
  if (touches_blocked(range)) return Errno(ENOMEM);
  vma.locked = (request.flags & MAP_LOCKED) != 0 || state->lock_future;
  if (vma.locked && state->vmas.locked_bytes() + length > limits.locked) return Errno(EAGAIN);
  if (request.name == kInitialStack) state->stack_slack = length - std::min(length, kFirstStackBytes);
  TRY(check_limits(*state, vma, state->vmas.mapped_bytes(range), limits));
  const bool populate = (request.flags & MAP_POPULATE) != 0 || (vma.locked && !state->lock_future_on_fault);

  natively = !populate && begin_native(*state, native, range);
  if (!natively) {
    const auto mapped = map_host(*state, vma, range, mapping, populate && (request.flags & MAP_NONBLOCK) == 0);
    if (!mapped.ok()) {
      // Nobody knows how far it came: nothing shall be there, as after Linux's own failure with MAP_FIXED.
      garbage = state->vmas.remove(range);
      (void)unmap_host(range);
      return mapped.error();
    }
  }
  garbage = state->vmas.remove(range);
  if (natively) state->native.keep(*native, std::move(garbage));
  const Vma mapped = vma.mappers != nullptr ? vma : Vma();
  state->vmas.insert(std::move(vma));
  grow_peak(*state);
  note_mapper(state, mapped);
  return range.start;
}

Result<bool> MemoryManager::munmap(std::uint64_t address, std::uint64_t length, Context* native) {
  if (!page_aligned(address) || address > layout_.task_size || length > layout_.task_size - address)
    return Errno(EINVAL);
  const std::uint64_t rounded = *page_ceil(length);
  if (rounded == 0) return Errno(EINVAL);
  std::vector<Vma> garbage;
  const AddressRange range{address, address + rounded};
  Access state = state_.lock();
  settle(state, range);
  if (!state->vmas.overlaps(range)) return false;
  TRY(check_not_sealed(*state, range));
  const bool natively = begin_native(*state, native, range);
  if (!natively) TRY(unmap_host(range));
  garbage = state->vmas.remove(range);
  if (natively) state->native.keep(*native, std::move(garbage));
  return natively;
}

}  // namespace runsc
