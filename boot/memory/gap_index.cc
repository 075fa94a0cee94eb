#include "boot/memory/gap_index.h"

#include <bit>
#include <iterator>

namespace runsc {
namespace {

constexpr unsigned kPageShift = 12;

}  // namespace

unsigned GapIndex::class_of(std::uint64_t length) {
  const std::uint64_t pages = length >> kPageShift;
  if (pages < 4) return static_cast<unsigned>(pages);
  // Four classes for each doubling: the two bits below the highest one.
  const unsigned log = static_cast<unsigned>(std::bit_width(pages)) - 1;
  return log * 4 + static_cast<unsigned>((pages >> (log - 2)) & 3);
}

void GapIndex::add(AddressRange gap) {
  if (!gap.empty()) gaps_.insert({class_of(gap.length()), gap.start, gap.end});
}

void GapIndex::remove(AddressRange gap) {
  if (!gap.empty()) gaps_.erase({class_of(gap.length()), gap.start, gap.end});
}

GapIndex::Gaps::const_iterator GapIndex::last_below(unsigned size_class, std::uint64_t below) const {
  const auto it = gaps_.lower_bound({size_class, below, 0});
  if (it == gaps_.begin() || std::prev(it)->size_class != size_class) return gaps_.end();
  return std::prev(it);
}

std::optional<AddressRange> GapIndex::highest(std::uint64_t length, std::uint64_t below) const {
  std::optional<AddressRange> best;
  const unsigned own = class_of(length);
  auto next = gaps_.lower_bound({own, 0, 0});
  while (next != gaps_.end()) {
    const unsigned size_class = next->size_class;
    auto it = last_below(size_class, below);
    // Only gaps of the length's own class may be too short.
    while (it != gaps_.end() && it->end - it->start < length) it = last_below(size_class, it->start);
    if (it != gaps_.end() && (!best || it->start > best->start)) best = AddressRange{it->start, it->end};
    next = gaps_.lower_bound({size_class + 1, 0, 0});
  }
  return best;
}

}  // namespace runsc
