#include "boot/kernel/user_memory.h"

#include <algorithm>
#include <numeric>

namespace runsc {
namespace {

std::size_t total(const std::vector<AddressSpace::Range>& ranges) {
  return std::accumulate(ranges.begin(), ranges.end(), std::size_t{0},
                         [](std::size_t sum, const AddressSpace::Range& range) { return sum + range.length; });
}

// Takes `count` bytes off the front of the ranges that begin at `first`.
void advance(std::vector<AddressSpace::Range>& ranges, std::size_t& first, std::size_t count) {
  while (first < ranges.size()) {
    AddressSpace::Range& range = ranges[first];
    const std::size_t step = std::min<std::size_t>(count, range.length);
    range.address += step;
    range.length -= step;
    count -= step;
    if (range.length != 0) return;
    ++first;
  }
}

}  // namespace

Result<void> read_exactly(AddressSpace& space, std::uint64_t address, std::span<std::byte> to) {
  if (to.empty()) return {};
  if (TRY(space.read(address, to)) != to.size()) return Errno(EFAULT);
  return {};
}

Result<void> write_exactly(AddressSpace& space, std::uint64_t address, std::span<const std::byte> from) {
  if (from.empty()) return {};
  if (TRY(space.write(address, from)) != from.size()) return Errno(EFAULT);
  return {};
}

Result<std::string> read_c_string(AddressSpace& space, std::uint64_t address, std::size_t limit, Errno too_long) {
  std::string text;
  // The first piece is what nearly every path and name fits in. No piece crosses into a page that a shorter string
  // would not have needed; a copy that ends early at an inaccessible page is fine if the NUL came before.
  std::size_t want = 256;
  while (text.size() < limit) {
    char piece[kPageSize];
    want = std::min({want, limit - text.size(), sizeof piece});
    const std::size_t got = TRY(space.read(address + text.size(), std::as_writable_bytes(std::span(piece, want))));
    const char* const end = static_cast<const char*>(std::memchr(piece, 0, got));
    text.append(piece, end != nullptr ? end - piece : got);
    if (end != nullptr) return text;
    if (got < want) return Errno(EFAULT);
    want = sizeof piece;
  }
  return too_long;
}

UserSink::UserSink(AddressSpace& space, std::vector<AddressSpace::Range> ranges)
    : space_(space), ranges_(std::move(ranges)), remaining_(total(ranges_)) {}

Result<std::size_t> UserSink::put(std::span<const std::byte> bytes) {
  bytes = bytes.first(std::min(bytes.size(), remaining_));
  if (bytes.empty()) return std::size_t{0};
  const std::size_t done = TRY(space_.writev(std::span(ranges_).subspan(first_), bytes));
  advance(ranges_, first_, done);
  remaining_ -= done;
  return done;
}

UserSource::UserSource(AddressSpace& space, std::vector<AddressSpace::Range> ranges)
    : space_(space), ranges_(std::move(ranges)), remaining_(total(ranges_)) {}

Result<std::size_t> UserSource::take(std::span<std::byte> bytes) {
  bytes = bytes.first(std::min(bytes.size(), remaining_));
  if (bytes.empty()) return std::size_t{0};
  const std::size_t done = TRY(space_.readv(std::span(ranges_).subspan(first_), bytes));
  advance(ranges_, first_, done);
  remaining_ -= done;
  return done;
}

}  // namespace runsc
