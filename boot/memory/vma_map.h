// VmaMap: the VMAs of one address space, in order, never overlapping, merged where Linux merges them. Pure bookkeeping:
// knows nothing of the platform. Not thread-safe, not even for those who only read.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "boot/memory/gap_index.h"
#include "boot/memory/vma.h"

namespace runsc {

class VmaMap {
 public:
  using Map = std::map<std::uint64_t, Vma>;  // by start address

  // Null when nothing is mapped at `address`.
  const Vma* find(std::uint64_t address) const;
  // The VMA that contains `address`, or else the next one above.
  Map::const_iterator at_or_above(std::uint64_t address) const;
  const Map& all() const { return vmas_; }
  std::size_t size() const { return vmas_.size(); }

  bool overlaps(AddressRange range) const;
  // No hole in it.
  bool covers(AddressRange range) const;
  // How many bytes of it are mapped.
  std::uint64_t mapped_bytes(AddressRange range) const;

  // What lies between the VMAs, from 0 to the end of all addresses. Made when it is first asked for, and kept from then
  // on: most address spaces have so few VMAs that a walk over them is cheaper.
  const GapIndex& gaps() const;

  // Precondition: the range is not empty and free.
  void insert(Vma vma);
  // Returns what was there, cut to the range. The caller destroys it after it has released its locks: dropping the last
  // reference of a file may take others.
  std::vector<Vma> remove(AddressRange range);
  // Calls change(Vma&) for everything in the range, cut to it. `change` leaves the place and the file as they are.
  template <typename Change>
  void change(AddressRange range, Change change) {
    split(range.start);
    split(range.end);
    for (auto it = vmas_.lower_bound(range.start); it != vmas_.end() && it->first < range.end; ++it) {
      account(it->second, -1);
      change(it->second);
      account(it->second, 1);
    }
    merge(range);
  }
  // Calls visit(const Vma&, AddressRange part) for everything in the range, in order.
  template <typename Visit>
  void visit(AddressRange range, Visit visit) const {
    for (auto it = at_or_above(range.start); it != vmas_.end() && it->first < range.end; ++it)
      visit(it->second, AddressRange{std::max(it->second.start, range.start), std::min(it->second.end, range.end)});
  }

  // Sums over all VMAs.
  std::uint64_t virtual_bytes() const { return virtual_; }
  std::uint64_t data_bytes() const { return data_; }
  std::uint64_t locked_bytes() const { return locked_; }
  std::uint64_t stack_bytes() const { return stack_; }

 private:
  // Makes `address` a border if it lies inside a VMA.
  void split(std::uint64_t address);
  // Joins neighbours that touch the range.
  void merge(AddressRange range);
  void account(const Vma& vma, int sign);
  // The gaps on both sides of a VMA.
  AddressRange gap_below(Map::const_iterator vma) const;
  AddressRange gap_above(Map::const_iterator vma) const;

  Map vmas_;
  mutable std::optional<GapIndex> gaps_;
  std::uint64_t virtual_ = 0, data_ = 0, locked_ = 0, stack_ = 0;
};

}  // namespace runsc
