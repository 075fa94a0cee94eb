// madvise(2), msync(2), mincore(2).
#include <fcntl.h>
#include <linux/falloc.h>

#include "boot/base/checked.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

// asm-generic/mman-common.h; not all C libraries have them.
constexpr int kMadvCold = 20, kMadvPageout = 21, kMadvPopulateRead = 22, kMadvPopulateWrite = 23,
              kMadvDontneedLocked = 24, kMadvCollapse = 25, kMadvHwpoison = 100, kMadvSoftOffline = 101;

// What one VMA answers to an advice, as madvise_vma_behavior() of Linux checks it; the rest is the host's.
Result<void> check_advice(const Vma& vma, int advice) {
  switch (advice) {
    case MADV_DONTNEED:
    case kMadvCold:
    case kMadvPageout:
      return vma.locked ? Result<void>(Errno(EINVAL)) : Result<void>();
    case MADV_FREE:
    case MADV_WIPEONFORK:
      return vma.private_anonymous() ? Result<void>() : Result<void>(Errno(EINVAL));
    case MADV_REMOVE:
      if (vma.locked || vma.file == nullptr) return Errno(EINVAL);
      if (!vma.shared || (vma.protection & PROT_WRITE) == 0) return Errno(EACCES);
      return {};
    default:
      return {};
  }
}

// Whether the system call exists with this advice at all.
Result<void> check_known(int advice) {
  switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case kMadvCold:
    case kMadvPageout:
    case kMadvPopulateRead:
    case kMadvPopulateWrite:
    case kMadvDontneedLocked:
    case kMadvCollapse:
      return {};
    case kMadvHwpoison:
    case kMadvSoftOffline:
      return Errno(EPERM);
    default:
      // Merging of equal pages across sandboxes would tell one what another holds: as a kernel without KSM.
      return Errno(EINVAL);
  }
}

// What the list remembers of an advice. False: nothing.
bool record_advice(VmaMap& vmas, AddressRange range, int advice) {
  switch (advice) {
    case MADV_DONTFORK:
    case MADV_DOFORK:
      vmas.change(range, [&](Vma& vma) { vma.dont_fork = advice == MADV_DONTFORK; });
      return true;
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
      vmas.change(range, [&](Vma& vma) { vma.wipe_on_fork = advice == MADV_WIPEONFORK; });
      return true;
    case MADV_DONTDUMP:
    case MADV_DODUMP:
      vmas.change(range, [&](Vma& vma) { vma.dont_dump = advice == MADV_DONTDUMP; });
      return true;
    default:
      return false;
  }
}

Result<AddressRange> checked_range(std::uint64_t address, std::uint64_t length) {
  const auto rounded = page_ceil(length);
  if (!page_aligned(address) || !rounded || !checked_add(address, *rounded)) return Errno(EINVAL);
  return AddressRange{address, address + *rounded};
}

}  // namespace

Result<bool> MemoryManager::madvise(std::uint64_t address, std::uint64_t length, int advice, Context* native) {
  // The order in which Linux looks at its arguments.
  const auto known = check_known(advice);
  if (!known.ok() && known.error() == Errno(EINVAL)) return known.error();
  const AddressRange range = TRY(checked_range(address, length));
  TRY(known);
  if (range.empty()) return false;
  if (advice == MADV_REMOVE) {
    TRY(punch_holes(range));
    return false;
  }
  Access state = state_.lock();
  settle(state, range);
  // The first VMA that refuses ends the walk; what lies before it takes the advice.
  AddressRange part = range;
  Result<void> refusal;
  state->vmas.visit(range, [&](const Vma& vma, AddressRange here) {
    if (!refusal.ok()) return;
    refusal = vma.sealed ? Result<void>(Errno(EPERM)) : check_advice(vma, advice);
    if (!refusal.ok()) part.end = here.start;
  });
  const bool holes = !state->vmas.covers(part);
  const bool whole = refusal.ok() && !holes;
  if (whole && begin_native(*state, native, range)) {
    record_advice(state->vmas, range, advice);
    return true;
  }
  TRY(apply_advice(state, part, advice));
  if (!refusal.ok()) return refusal.error();
  if (holes) return Errno(ENOMEM);
  return false;
}

Result<void> MemoryManager::apply_advice(Access& state, AddressRange range, int advice) {
  std::vector<AddressRange> parts;
  state->vmas.visit(range, [&](const Vma&, AddressRange part) {
    if (!parts.empty() && parts.back().end == part.start)
      parts.back().end = part.end;
    else
      parts.push_back(part);
  });
  for (const AddressRange& part : parts) TRY(space_->advise(part.start, part.length(), advice));
  record_advice(state->vmas, range, advice);
  return {};
}

Result<void> MemoryManager::punch_holes(AddressRange range) {
  struct Hole {
    FilePtr file;
    std::uint64_t offset, length;
  };
  std::vector<Hole> holes;
  Result<void> refusal;
  bool covered = false;
  {
    Access state = state_.lock();
    covered = state->vmas.covers(range);
    state->vmas.visit(range, [&](const Vma& vma, AddressRange part) {
      if (refusal.ok()) refusal = check_advice(vma, MADV_REMOVE);
      if (refusal.ok()) holes.push_back({vma.file, vma.file_offset(part.start), part.length()});
    });
  }
  for (const Hole& hole : holes)
    TRY(hole.file->allocate(FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, hole.offset, hole.length));
  if (refusal.ok() && !covered) return Errno(ENOMEM);
  return refusal;
}

Result<void> MemoryManager::msync(std::uint64_t address, std::uint64_t length, int flags) {
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) != 0 || !page_aligned(address)) return Errno(EINVAL);
  if ((flags & MS_ASYNC) != 0 && (flags & MS_SYNC) != 0) return Errno(EINVAL);
  const auto rounded = page_ceil(length);
  if (!rounded || !checked_add(address, *rounded)) return Errno(ENOMEM);
  const AddressRange range{address, address + *rounded};
  std::vector<AddressRange> parts;
  bool covered = false, busy = false;
  {
    Access state = state_.lock();
    settle(state, range);
    covered = state->vmas.covers(range);
    state->vmas.visit(range, [&](const Vma& vma, AddressRange part) {
      busy |= (flags & MS_INVALIDATE) != 0 && vma.locked;
      if (vma.shared && vma.file != nullptr && !busy) parts.push_back(part);
    });
  }
  // Without the lock, since a disk may be slow. If the range changes meanwhile the host sees holes, as on Linux.
  if ((flags & MS_SYNC) != 0)
    for (const AddressRange& part : parts) TRY(space_->sync(part.start, part.length(), MS_SYNC));
  if (busy) return Errno(EBUSY);
  if (!covered) return Errno(ENOMEM);
  return {};
}

Result<std::vector<std::uint8_t>> MemoryManager::mincore(std::uint64_t address, std::uint64_t length) {
  if (!page_aligned(address)) return Errno(EINVAL);
  const auto rounded = page_ceil(length);
  if (!rounded || address > layout_.task_size || *rounded > layout_.task_size - address) return Errno(ENOMEM);
  const AddressRange range{address, address + *rounded};
  {
    Access state = state_.lock();
    settle(state, range);
    if (!state->vmas.covers(range)) return Errno(ENOMEM);
  }
  if (range.empty()) return std::vector<std::uint8_t>();
  return space_->resident(range.start, range.length());
}

}  // namespace runsc
