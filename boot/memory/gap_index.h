// GapIndex: the gaps between the VMAs of one address space, by size, so that a place among tens of thousands of
// mappings is found without a walk over them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "boot/memory/vma.h"

namespace runsc {

// Gaps are as they lie between VMAs: guard gaps and blocked ranges are the caller's concern. Not thread-safe.
class GapIndex {
 public:
  // Empty gaps are ignored.
  void add(AddressRange gap);
  void remove(AddressRange gap);
  // The highest gap of at least `length` bytes (not 0) that starts below `below`.
  std::optional<AddressRange> highest(std::uint64_t length, std::uint64_t below) const;

 private:
  // Gaps of one class differ by less than a quarter of their length; those of up to 4 pages not at all.
  static unsigned class_of(std::uint64_t length);

  struct Gap {
    unsigned size_class = 0;
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    friend bool operator<(const Gap& a, const Gap& b) {
      return std::pair(a.size_class, a.start) < std::pair(b.size_class, b.start);
    }
  };
  using Gaps = std::set<Gap>;
  // The highest of its class that starts below `below`.
  Gaps::const_iterator last_below(unsigned size_class, std::uint64_t below) const;

  Gaps gaps_;
};

}  // namespace runsc
