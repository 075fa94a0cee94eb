#include "boot/memory/placement.h"

#include <sys/random.h>

#include <algorithm>

namespace runsc {
namespace {

// How many VMAs a search looks at before it asks for an index of the gaps.
constexpr int kLongestWalk = 64;

std::uint64_t guarded_start(const Vma& vma) {
  if (!vma.grows_down) return vma.start;
  return vma.start > kStackGuardGap ? vma.start - kStackGuardGap : 0;
}

// The blocked range that overlaps, or null.
const AddressRange* blocker(std::span<const AddressRange> blocked, AddressRange range) {
  const auto it = std::ranges::find_if(blocked, [&](const AddressRange& other) { return other.overlaps(range); });
  return it == blocked.end() ? nullptr : &*it;
}

// The highest place in one gap between VMAs.
std::optional<std::uint64_t> highest_in(AddressRange gap, const GapSearch& search) {
  std::uint64_t top = gap.end;
  while (top >= gap.start && top - gap.start >= search.length) {
    const std::uint64_t address = (top - search.length) & ~(search.alignment - 1);
    if (address < gap.start) return std::nullopt;
    const AddressRange* other = blocker(search.blocked, {address, address + search.length});
    if (other == nullptr) return address;
    top = other->start;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> lowest_in(AddressRange gap, const GapSearch& search) {
  std::uint64_t bottom = gap.start;
  for (;;) {
    const std::uint64_t address = (bottom + search.alignment - 1) & ~(search.alignment - 1);
    if (address < bottom || address > gap.end || gap.end - address < search.length) return std::nullopt;
    const AddressRange* other = blocker(search.blocked, {address, address + search.length});
    if (other == nullptr) return address;
    bottom = other->end;
  }
}

}  // namespace

std::optional<std::uint64_t> find_gap_top_down(const VmaMap& vmas, const GapSearch& search) {
  auto above = vmas.all().lower_bound(search.within.end);
  std::uint64_t top = search.within.end;
  for (int walked = 0;; ++walked) {
    if (walked == kLongestWalk)
      return find_gap_by_index(vmas, {search.length, {search.within.start, top}, search.alignment, search.blocked});
    if (above != vmas.all().end()) top = std::min(top, guarded_start(above->second));
    const bool lowest = above == vmas.all().begin();
    const std::uint64_t bottom =
        lowest ? search.within.start : std::max(search.within.start, std::prev(above)->second.end);
    if (top > bottom) {
      if (const auto address = highest_in({bottom, top}, search)) return address;
    }
    if (lowest || bottom == search.within.start) return std::nullopt;
    --above;
  }
}

std::optional<std::uint64_t> find_gap_by_index(const VmaMap& vmas, const GapSearch& search) {
  std::uint64_t below = search.within.end;
  while (const auto gap = vmas.gaps().highest(search.length, below)) {
    const auto above = vmas.all().lower_bound(gap->end);
    std::uint64_t top = std::min(gap->end, search.within.end);
    if (above != vmas.all().end()) top = std::min(top, guarded_start(above->second));
    const std::uint64_t bottom = std::max(gap->start, search.within.start);
    if (top > bottom) {
      if (const auto address = highest_in({bottom, top}, search)) return address;
    }
    if (gap->start <= search.within.start) break;
    below = gap->start;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> find_gap_bottom_up(const VmaMap& vmas, const GapSearch& search) {
  std::uint64_t bottom = search.within.start;
  for (auto above = vmas.at_or_above(bottom);; ++above) {
    const bool last = above == vmas.all().end();
    const std::uint64_t top = last ? search.within.end : std::min(search.within.end, guarded_start(above->second));
    if (top > bottom) {
      if (const auto address = lowest_in({bottom, top}, search)) return address;
    }
    if (last || above->second.end >= search.within.end) return std::nullopt;
    bottom = above->second.end;
  }
}

bool is_free(const VmaMap& vmas, AddressRange range, std::span<const AddressRange> blocked) {
  const auto above = vmas.at_or_above(range.start);
  if (above != vmas.all().end() && guarded_start(above->second) < range.end) return false;
  return blocker(blocked, range) == nullptr;
}

std::uint64_t random_below(std::uint64_t limit) {
  std::uint64_t value = 0;
  // Cannot fail for 8 bytes once the host has booted; a fixed layout would still be a correct one.
  if (getrandom(&value, sizeof(value), 0) != sizeof(value)) return 0;
  return value % limit;
}

}  // namespace runsc
