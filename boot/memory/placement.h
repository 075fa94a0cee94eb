// Where new mappings go: gaps between VMAs, as Linux's get_unmapped_area() finds them.
#pragma once

#include <optional>
#include <span>

#include "boot/memory/vma_map.h"

namespace runsc {

// Kept free below a VMA that grows down (stack_guard_gap).
inline constexpr std::uint64_t kStackGuardGap = 256 * 4096;

// What a search may use. `blocked`: ranges that hold no VMA and still are not free.
struct GapSearch {
  std::uint64_t length = 0;        // page-aligned, not 0
  AddressRange within;             // page-aligned
  std::uint64_t alignment = 4096;  // a power of two
  std::span<const AddressRange> blocked;
};

// The highest, or the lowest, address of a gap that is long enough.
std::optional<std::uint64_t> find_gap_top_down(const VmaMap& vmas, const GapSearch& search);
// As find_gap_top_down(), always by VmaMap::gaps(), which it turns to when the VMAs are many.
std::optional<std::uint64_t> find_gap_by_index(const VmaMap& vmas, const GapSearch& search);
std::optional<std::uint64_t> find_gap_bottom_up(const VmaMap& vmas, const GapSearch& search);

// Whether [address, address + length) may be taken: no VMA, no guard gap of the VMA above, nothing blocked.
bool is_free(const VmaMap& vmas, AddressRange range, std::span<const AddressRange> blocked);

// Uniformly random in [0, limit), for address space randomisation. `limit` > 0.
std::uint64_t random_below(std::uint64_t limit);

}  // namespace runsc
