// mprotect(2).
#include "boot/base/checked.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

constexpr int kGrows = PROT_GROWSDOWN | PROT_GROWSUP;
constexpr int kProtSem = 0x8;  // PROT_SEM of asm-generic/mman-common.h: accepted, without effect

// How much of `range` from its start can get `protection`, and why not all.
struct Permitted {
  std::uint64_t end;
  Errno error{0};
};

Permitted permitted_part(const VmaMap& vmas, AddressRange range, int protection) {
  std::uint64_t end = range.start;
  for (auto it = vmas.at_or_above(range.start); end < range.end; ++it) {
    if (it == vmas.all().end() || it->second.start > end) return {end, Errno(ENOMEM)};
    if ((protection & ~it->second.max_protection) != 0) return {end, Errno(EACCES)};
    end = it->second.end;
  }
  return {range.end};
}

// How much RLIMIT_DATA's account grows.
std::uint64_t new_data(const VmaMap& vmas, AddressRange range, int protection) {
  std::uint64_t bytes = 0;
  if ((protection & PROT_WRITE) == 0) return 0;
  vmas.visit(range, [&](const Vma& vma, AddressRange part) {
    if (!vma.shared && !vma.grows_down && !vma.is_data()) bytes += part.length();
  });
  return bytes;
}

bool changes_anything(const VmaMap& vmas, AddressRange range, int protection) {
  bool changes = false;
  vmas.visit(range, [&](const Vma& vma, AddressRange) { changes |= vma.protection != protection; });
  return changes;
}

}  // namespace

Result<bool> MemoryManager::mprotect(std::uint64_t address, std::uint64_t length, int protection,
                                     const CallLimits& limits, Context* native) {
  const int grows = protection & kGrows;
  if (grows == kGrows || !page_aligned(address)) return Errno(EINVAL);
  if (length == 0) return false;
  const auto rounded = page_ceil(length);
  if (!rounded || !checked_add(address, *rounded)) return Errno(ENOMEM);
  const int access = protection & (PROT_READ | PROT_WRITE | PROT_EXEC);
  if ((protection & ~(kGrows | kProtSem)) != access) return Errno(EINVAL);

  AddressRange range{address, address + *rounded};
  Access state = state_.lock();
  const auto first = state->vmas.at_or_above(address);
  if (first == state->vmas.all().end()) return Errno(ENOMEM);
  if (grows == PROT_GROWSUP) return Errno(EINVAL);
  if (grows == PROT_GROWSDOWN) {
    if (first->second.start >= range.end) return Errno(ENOMEM);
    if (!first->second.grows_down) return Errno(EINVAL);
    range.start = first->second.start;
  }
  settle(state, range);
  TRY(check_not_sealed(*state, range));
  const Permitted permitted = permitted_part(state->vmas, range, access);
  const bool whole = permitted.end == range.end;
  range.end = permitted.end;
  if (!range.empty() && changes_anything(state->vmas, range, access)) {
    if (state->vmas.data_bytes() + new_data(state->vmas, range, access) > limits.data) return Errno(ENOMEM);
    const bool natively = whole && host_protection(protection) == access && begin_native(*state, native, range);
    if (!natively) TRY(space_->protect(range.start, range.length(), host_protection(access)));
    state->vmas.change(range, [&](Vma& vma) {
      vma.protection = access;
      vma.own_pages = vma.own_pages || (vma.file && !vma.shared && (access & PROT_WRITE) != 0);
    });
    if (natively) return true;
  }
  if (!whole) return permitted.error;
  return false;
}

}  // namespace runsc
