#include "boot/kernel/user_memory.h"

#include <algorithm>
#include <cstring>

namespace runsc {
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

UserBuffers::UserBuffers(std::vector<AddressSpace::Range> ranges)
    : several_(std::move(ranges)), ranges_(several_), remaining_(0) {
  for (const AddressSpace::Range& range : ranges_) remaining_ += range.length;
}

std::vector<AddressSpace::Range> UserBuffers::first_ranges(std::size_t length) const {
  std::vector<AddressSpace::Range> first;
  for (const AddressSpace::Range& range : ranges_) {
    if (length == 0) break;
    first.push_back({range.address, std::min<std::uint64_t>(length, range.length)});
    length -= first.back().length;
  }
  return first;
}

void UserBuffers::advance(std::size_t count) {
  remaining_ -= count;
  while (!ranges_.empty()) {
    AddressSpace::Range& range = ranges_.front();
    const std::size_t step = std::min<std::uint64_t>(count, range.length);
    range.address += step;
    range.length -= step;
    count -= step;
    if (range.length != 0) return;
    ranges_ = ranges_.subspan(1);
  }
}

Result<std::size_t> UserSink::put(std::span<const std::byte> bytes) {
  bytes = bytes.first(std::min(bytes.size(), buffers_.remaining()));
  if (bytes.empty()) return std::size_t{0};
  return buffers_.use(bytes.size(), [&](auto ranges) { return space_.writev(ranges, bytes); });
}

Result<std::size_t> UserSource::take(std::span<std::byte> bytes) {
  bytes = bytes.first(std::min(bytes.size(), buffers_.remaining()));
  if (bytes.empty()) return std::size_t{0};
  return buffers_.use(bytes.size(), [&](auto ranges) { return space_.readv(ranges, bytes); });
}

Result<std::size_t> UserSource::peek(std::span<std::byte> bytes) {
  bytes = bytes.first(std::min(bytes.size(), buffers_.remaining()));
  if (bytes.empty()) return std::size_t{0};
  return space_.readv(buffers_.first_ranges(bytes.size()), bytes);
}

void UserSource::skip(std::size_t count) {
  count = std::min(count, buffers_.remaining());
  if (count != 0) (void)buffers_.use(count, [&](auto) { return Result<std::size_t>(count); });
}

}  // namespace runsc
