// brk(2), and stacks that grow.
#include "boot/base/checked.h"
#include "boot/memory/memory_manager.h"
#include "boot/memory/placement.h"

namespace runsc {
namespace {

Vma heap_vma(AddressRange range) {
  Vma vma;
  vma.start = range.start;
  vma.end = range.end;
  vma.protection = PROT_READ | PROT_WRITE;
  vma.name = "[heap]";
  return vma;
}

}  // namespace

std::uint64_t MemoryManager::brk(std::uint64_t address, const CallLimits& limits) {
  std::vector<Vma> garbage;
  Access state = state_.lock();
  const std::uint64_t old = state->brk;
  const std::uint64_t begin = state->image.brk_start;
  if (address < begin || address > layout_.task_size) return old;
  if (limits.data != CallLimits::kUnlimited &&
      (address - begin) + (state->image.data_end - state->image.data_start) > limits.data)
    return old;
  const std::uint64_t old_end = *page_ceil(old);
  const std::uint64_t new_end = *page_ceil(address);
  const AddressRange change{std::min(old_end, new_end), std::max(old_end, new_end)};
  if (!change.empty()) settle(state, change);
  if (state->brk != old) return state->brk;  // another thread moved it meanwhile
  if (new_end < old_end) {
    if (!check_not_sealed(*state, change).ok() || !unmap_host(change).ok()) return old;
    garbage = state->vmas.remove(change);
  } else if (new_end > old_end) {
    // One page more than asked for, as Linux keeps it free to what lies above.
    if (!is_free(state->vmas, {change.start, change.end + kPageSize}, unavailable(*state))) return old;
    Vma vma = heap_vma(change);
    vma.locked = state->lock_future;
    if (vma.locked && state->vmas.locked_bytes() + vma.length() > limits.locked) return old;
    if (!check_limits(*state, vma, 0, limits).ok()) return old;
    if (!map_host(*state, vma, change, nullptr, vma.locked && !state->lock_future_on_fault).ok()) return old;
    state->vmas.insert(std::move(vma));
    grow_peak(*state);
  }
  return state->brk = address;
}

bool MemoryManager::grow_stack(std::uint64_t address, const CallLimits& limits) {
  Access state = state_.lock();
  const std::uint64_t page = page_floor(address);
  const auto above = state->vmas.at_or_above(address);
  if (above == state->vmas.all().end() || !above->second.grows_down) return false;
  // Another thread's fault may have done it already.
  if (above->second.start <= address) return false;
  Vma grown = above->second;
  grown.end = grown.start;
  grown.start = page;
  // The whole stack, which may have been split by mprotect(2), counts from its highest part.
  std::uint64_t top = above->second.end;
  for (auto it = std::next(above); it != state->vmas.all().end() && it->second.grows_down && it->first == top; ++it)
    top = it->second.end;
  if (page < layout_.mmap_min || top - page > limits.stack) return false;
  // The guard gap below; a stack that was made inaccessible there needs none.
  const AddressRange guard{page > kStackGuardGap ? page - kStackGuardGap : 0, page};
  bool crowded = false;
  state->vmas.visit(guard,
                    [&](const Vma& vma, AddressRange) { crowded |= !vma.grows_down && vma.protection != PROT_NONE; });
  if (crowded || state->vmas.overlaps(grown.range()) || touches_blocked(grown.range())) return false;
  for (const AddressRange& range : unavailable(*state))
    if (range.overlaps(grown.range())) return false;
  if (grown.locked && state->vmas.locked_bytes() + grown.length() > limits.locked) return false;
  if (!check_limits(*state, grown, 0, limits).ok()) return false;
  if (!map_host(*state, grown, grown.range(), nullptr, false).ok()) return false;
  state->vmas.insert(std::move(grown));
  grow_peak(*state);
  return true;
}

}  // namespace runsc
