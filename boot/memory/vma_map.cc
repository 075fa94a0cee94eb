#include "boot/memory/vma_map.h"

#include "boot/vfs/file_description.h"

namespace runsc {
namespace {

constexpr std::uint64_t kEndOfAddresses = ~std::uint64_t{0xfff};

}  // namespace

bool continues(const Vma& vma, const Vma& next) {
  return vma.end == next.start && vma.protection == next.protection && vma.max_protection == next.max_protection &&
         vma.shared == next.shared && vma.grows_down == next.grows_down && vma.locked == next.locked &&
         vma.no_reserve == next.no_reserve && vma.own_pages == next.own_pages && vma.dont_fork == next.dont_fork &&
         vma.wipe_on_fork == next.wipe_on_fork && vma.dont_dump == next.dont_dump && vma.sealed == next.sealed &&
         vma.file == next.file && vma.pin == next.pin && vma.beyond_end == next.beyond_end &&
         (vma.file == nullptr || vma.file_offset(vma.end) == next.offset) && vma.name == next.name;
}

VmaMap::Map::const_iterator VmaMap::at_or_above(std::uint64_t address) const {
  auto it = vmas_.upper_bound(address);
  if (it != vmas_.begin() && std::prev(it)->second.end > address) --it;
  return it;
}

const Vma* VmaMap::find(std::uint64_t address) const {
  const auto it = at_or_above(address);
  return it != vmas_.end() && it->first <= address ? &it->second : nullptr;
}

bool VmaMap::overlaps(AddressRange range) const {
  const auto it = at_or_above(range.start);
  return it != vmas_.end() && it->first < range.end;
}

bool VmaMap::covers(AddressRange range) const { return mapped_bytes(range) == range.length(); }

std::uint64_t VmaMap::mapped_bytes(AddressRange range) const {
  std::uint64_t bytes = 0;
  visit(range, [&](const Vma&, AddressRange part) { bytes += part.length(); });
  return bytes;
}

void VmaMap::insert(Vma vma) {
  const AddressRange range = vma.range();
  account(vma, 1);
  const auto it = vmas_.emplace(range.start, std::move(vma)).first;
  if (gaps_) {
    gaps_->remove({gap_below(it).start, gap_above(it).end});
    gaps_->add(gap_below(it));
    gaps_->add(gap_above(it));
  }
  merge(range);
}

std::vector<Vma> VmaMap::remove(AddressRange range) {
  std::vector<Vma> removed;
  split(range.start);
  split(range.end);
  auto it = vmas_.lower_bound(range.start);
  while (it != vmas_.end() && it->first < range.end) {
    account(it->second, -1);
    if (gaps_) {
      gaps_->remove(gap_below(it));
      gaps_->remove(gap_above(it));
      gaps_->add({gap_below(it).start, gap_above(it).end});
    }
    removed.push_back(std::move(it->second));
    it = vmas_.erase(it);
  }
  return removed;
}

AddressRange VmaMap::gap_below(Map::const_iterator vma) const {
  return {vma == vmas_.begin() ? 0 : std::prev(vma)->second.end, vma->second.start};
}

AddressRange VmaMap::gap_above(Map::const_iterator vma) const {
  const auto next = std::next(vma);
  return {vma->second.end, next == vmas_.end() ? kEndOfAddresses : next->second.start};
}

const GapIndex& VmaMap::gaps() const {
  if (gaps_) return *gaps_;
  gaps_.emplace();
  for (auto it = vmas_.cbegin(); it != vmas_.cend(); ++it) gaps_->add(gap_below(it));
  gaps_->add(vmas_.empty() ? AddressRange{0, kEndOfAddresses} : gap_above(std::prev(vmas_.cend())));
  return *gaps_;
}

void VmaMap::split(std::uint64_t address) {
  const auto it = vmas_.upper_bound(address);
  if (it == vmas_.begin()) return;
  Vma& lower = std::prev(it)->second;
  if (lower.start >= address || lower.end <= address) return;
  Vma upper = lower;
  upper.offset = lower.file != nullptr ? lower.file_offset(address) : 0;
  upper.start = address;
  lower.end = address;
  vmas_.emplace_hint(it, address, std::move(upper));
}

void VmaMap::merge(AddressRange range) {
  auto it = vmas_.lower_bound(range.start);
  if (it != vmas_.begin()) --it;
  while (it != vmas_.end() && it->first < range.end) {
    const auto next = std::next(it);
    if (next == vmas_.end() || !continues(it->second, next->second)) {
      it = next;
      continue;
    }
    it->second.end = next->second.end;
    vmas_.erase(next);
  }
}

void VmaMap::account(const Vma& vma, int sign) {
  const std::uint64_t bytes = sign > 0 ? vma.length() : 0 - vma.length();
  virtual_ += bytes;
  if (vma.is_data()) data_ += bytes;
  if (vma.locked) locked_ += bytes;
  if (vma.grows_down) stack_ += bytes;
}

}  // namespace runsc
