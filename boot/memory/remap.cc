// mremap(2).
#include "boot/base/checked.h"
#include "boot/memory/memory_manager.h"
#include "boot/memory/placement.h"

namespace runsc {

// The request, rounded to pages, and what was found about it.
struct MemoryManager::RemapPlan {
  std::uint64_t old_address = 0, old_length = 0, new_length = 0;
  int flags = 0;
  std::uint64_t new_address = 0;

  Vma vma;  // that holds old_address
  // Where the pages of the part that is added lie; needed when `growth_length` is not 0.
  std::uint64_t growth_offset = 0, growth_length = 0;
  std::optional<FileMapping> growth;

  bool has(int flag) const { return (flags & flag) != 0; }
  bool to_new_place() const { return has(MREMAP_FIXED | MREMAP_DONTUNMAP); }
  AddressRange old_range() const { return {old_address, old_address + old_length}; }
  AddressRange new_range() const { return {new_address, new_address + new_length}; }
  std::uint64_t extra() const { return new_length > old_length ? new_length - old_length : 0; }
  bool duplicates() const { return old_length == 0; }
  const FileMapping* growth_mapping() const { return growth ? &*growth : nullptr; }
};

namespace {

Result<void> check_flags(int flags, std::uint64_t old_length, std::uint64_t new_length) {
  if ((flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0) return Errno(EINVAL);
  const bool may_move = (flags & MREMAP_MAYMOVE) != 0;
  if ((flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0 && !may_move) return Errno(EINVAL);
  if ((flags & MREMAP_DONTUNMAP) != 0 && old_length != new_length) return Errno(EINVAL);
  return {};
}

Result<void> check_target(AddressRange target, AddressRange old, std::uint64_t task_size) {
  if (!page_aligned(target.start)) return Errno(EINVAL);
  if (target.length() > task_size || target.start > task_size - target.length()) return Errno(EINVAL);
  if (target.overlaps(old)) return Errno(EINVAL);
  return {};
}

}  // namespace

Result<std::uint64_t> MemoryManager::mremap(std::uint64_t old_address, std::uint64_t old_length,
                                            std::uint64_t new_length, int flags, std::uint64_t new_address,
                                            const CallLimits& limits) {
  TRY(check_flags(flags, old_length, new_length));
  const auto old_rounded = page_ceil(old_length);
  const auto new_rounded = page_ceil(new_length);
  if (!page_aligned(old_address) || !new_rounded || *new_rounded == 0) return Errno(EINVAL);
  if (!old_rounded || !checked_add(old_address, *old_rounded)) return Errno(EFAULT);
  if (*new_rounded > layout_.task_size) return (flags & MREMAP_FIXED) != 0 ? Errno(EINVAL) : Errno(ENOMEM);
  RemapPlan plan;
  plan.old_address = old_address;
  plan.old_length = *old_rounded;
  plan.new_length = *new_rounded;
  plan.flags = flags;
  plan.new_address = new_address;
  if ((flags & MREMAP_FIXED) != 0) {
    if (new_address > layout_.task_size) return Errno(EINVAL);
    TRY(check_target(plan.new_range(), plan.old_range(), layout_.task_size));
    if (new_address < layout_.mmap_min) return Errno(EPERM);
  }
  for (;;) {
    std::vector<Vma> garbage;  // destroyed after the lock is released
    {
      Access state = state_.lock();
      settle(state, plan.old_range());
      if (plan.has(MREMAP_FIXED)) settle(state, plan.new_range());
      TRY(prepare_remap(*state, plan, limits));
      if (plan.growth_length == 0 || plan.growth) {
        const auto address = execute_remap(*state, plan, garbage);
        if (address.ok() && plan.vma.mappers != nullptr) note_mapper(state, Vma(*state->vmas.find(*address)));
        return address;
      }
    }
    // The file system's locks come before this object's; then everything is looked at again.
    const bool writable = plan.vma.shared && (plan.vma.max_protection & PROT_WRITE) != 0;
    plan.growth = TRY(plan.vma.file->map(plan.growth_offset, plan.growth_length, writable));
  }
}

Result<void> MemoryManager::prepare_remap(const State& state, RemapPlan& plan, const CallLimits& limits) const {
  const Vma* vma = state.vmas.find(plan.old_address);
  if (vma == nullptr) return Errno(EFAULT);
  if (vma->sealed) return Errno(EPERM);
  if (vma->file != plan.vma.file) plan.growth.reset();
  plan.vma = *vma;
  const bool shrinks = plan.old_length >= plan.new_length;
  if (!plan.to_new_place() && shrinks) return check_not_sealed(state, plan.old_range());
  if (plan.duplicates() && !vma->shared) return Errno(EINVAL);
  if (std::min(plan.old_length, plan.new_length) > vma->end - plan.old_address) return Errno(EFAULT);

  const std::uint64_t extra = plan.extra();
  if (vma->locked && state.vmas.locked_bytes() + extra > limits.locked) return Errno(EAGAIN);
  Vma added = *vma;
  added.end = added.start + (plan.has(MREMAP_DONTUNMAP) ? plan.new_length : extra);
  TRY(check_limits(state, added, 0, limits));
  if (vma->file == nullptr || extra == 0) {
    plan.growth_length = 0;
    return {};
  }
  const std::uint64_t offset = vma->file_offset(plan.old_address + plan.old_length);
  if (!checked_add(offset, extra)) return Errno(EINVAL);
  if (plan.growth_offset != offset || plan.growth_length != extra) plan.growth.reset();
  plan.growth_offset = offset;
  plan.growth_length = extra;
  return {};
}

Result<void> MemoryManager::clear_for_remap(State& state, AddressRange range, std::vector<Vma>& garbage) {
  if (range.empty() || !state.vmas.overlaps(range)) return {};
  TRY(unmap_host(range));
  for (Vma& vma : state.vmas.remove(range)) garbage.push_back(std::move(vma));
  return {};
}

Result<std::uint64_t> MemoryManager::execute_remap(State& state, RemapPlan& plan, std::vector<Vma>& garbage) {
  const AddressRange surplus{plan.old_address + plan.new_length, plan.old_address + plan.old_length};
  std::uint64_t target = plan.new_address;
  if (plan.has(MREMAP_FIXED)) {
    TRY(check_not_sealed(state, plan.new_range()));
    if (touches_blocked(plan.new_range())) return Errno(ENOMEM);
    TRY(clear_for_remap(state, plan.new_range(), garbage));
  }
  TRY(clear_for_remap(state, surplus, garbage));
  if (!surplus.empty()) plan.old_length = plan.new_length;
  if (!plan.to_new_place()) {
    if (plan.old_length == plan.new_length) return plan.old_address;
    const AddressRange growth{plan.old_address + plan.old_length, plan.old_address + plan.new_length};
    bool expandable = !plan.duplicates() && growth.start == plan.vma.end && growth.end <= layout_.task_size &&
                      !state.vmas.overlaps(growth);
    for (const AddressRange& range : unavailable(state)) expandable &= !range.overlaps(growth);
    if (expandable) {
      Vma extra = plan.vma;
      extra.start = growth.start;
      extra.end = growth.end;
      extra.offset = plan.growth_offset;
      extra.beyond_end |= plan.growth && has_part_beyond_end(*plan.growth);
      TRY(extend(state, std::move(extra), plan));
      return plan.old_address;
    }
    if (!plan.has(MREMAP_MAYMOVE)) return Errno(ENOMEM);
  }
  if (!plan.has(MREMAP_FIXED))
    target = TRY(place(state, plan.has(MREMAP_DONTUNMAP) ? plan.new_address : 0, plan.new_length, 0));
  return move(state, plan, target, garbage);
}

Result<void> MemoryManager::extend(State& state, Vma extra, const RemapPlan& plan) {
  if (extra.file == nullptr) extra.offset = 0;
  TRY(map_host(state, extra, extra.range(), plan.growth_mapping(), extra.locked));
  if (extra.dont_fork) (void)space_->advise(extra.start, extra.length(), MADV_DONTFORK);
  if (extra.wipe_on_fork) (void)space_->advise(extra.start, extra.length(), MADV_WIPEONFORK);
  state.vmas.insert(std::move(extra));
  grow_peak(state);
  return {};
}

Result<std::uint64_t> MemoryManager::move(State& state, const RemapPlan& plan, std::uint64_t target,
                                          std::vector<Vma>& garbage) {
  Vma moved = plan.vma;
  moved.start = target;
  moved.end = target + plan.new_length;
  moved.offset = moved.file != nullptr ? plan.vma.file_offset(plan.old_address) : 0;
  moved.beyond_end |= plan.growth && has_part_beyond_end(*plan.growth);
  if (moved.file == nullptr) moved.name.clear();  // no longer the heap or the stack
  if (plan.duplicates()) {
    TRY(map_host(state, moved, moved.range(), plan.growth_mapping(), moved.locked));
  } else {
    const auto done = move_pages(state, plan, moved);
    if (!done.ok()) {
      (void)unmap_host(moved.range());
      return done.error();
    }
    if (plan.has(MREMAP_DONTUNMAP))
      state.vmas.change(plan.old_range(), [](Vma& vma) { vma.locked = false; });
    else
      for (Vma& vma : state.vmas.remove(plan.old_range())) garbage.push_back(std::move(vma));
  }
  state.vmas.insert(std::move(moved));
  grow_peak(state);
  return target;
}

Result<void> MemoryManager::move_pages(State& state, const RemapPlan& plan, const Vma& moved) {
  const int keep = plan.flags & MREMAP_DONTUNMAP;
  if (plan.extra() == 0) return move_host(plan.old_address, plan.old_length, keep, moved.start);
  if (moved.private_anonymous()) {
    const auto at_once =
        space_->remap(plan.old_address, plan.old_length, plan.new_length, MREMAP_MAYMOVE | MREMAP_FIXED, moved.start);
    if (at_once.ok() || at_once.error() != Errno(EFAULT)) return at_once;
  }
  const AddressRange growth{moved.start + plan.old_length, moved.end};
  TRY(map_host(state, moved, growth, plan.growth_mapping(), moved.locked));
  return move_host(plan.old_address, plan.old_length, keep, moved.start);
}

}  // namespace runsc
