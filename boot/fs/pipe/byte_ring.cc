#include "boot/fs/pipe/byte_ring.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace runsc {

Result<std::size_t> ByteRing::fill(IoSource& source, std::size_t limit) {
  if (storage_size_ < capacity_) move_to(capacity_);
  limit = std::min({limit, space(), source.remaining()});
  std::size_t done = 0;
  while (done < limit) {
    const std::size_t tail = (head_ + size_) & (storage_size_ - 1);
    const std::size_t count = std::min(limit - done, storage_size_ - tail);
    const auto taken = source.take({storage_.get() + tail, count});
    if (!taken.ok()) return done != 0 ? Result<std::size_t>(done) : taken;
    size_ += *taken;
    done += *taken;
    if (*taken < count) break;
  }
  return done;
}

Result<std::size_t> ByteRing::drain(IoSink& sink, std::size_t limit) {
  limit = std::min({limit, size_, sink.remaining()});
  std::size_t done = 0;
  while (done < limit) {
    const auto piece = bytes_at(0);
    const auto wanted = piece.first(std::min(piece.size(), limit - done));
    const auto put = sink.put(wanted);
    if (!put.ok()) return done != 0 ? Result<std::size_t>(done) : put;
    skip(*put);
    done += *put;
    if (*put < wanted.size()) break;
  }
  return done;
}

std::span<const std::byte> ByteRing::bytes_at(std::size_t offset) const {
  if (offset >= size_) return {};
  const std::size_t start = (head_ + offset) & (storage_size_ - 1);
  return {storage_.get() + start, std::min(size_ - offset, storage_size_ - start)};
}

void ByteRing::skip(std::size_t count) {
  size_ -= count;
  head_ = size_ == 0 ? 0 : (head_ + count) & (storage_size_ - 1);
}

void ByteRing::push_front(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::size_t needed = size_ + bytes.size();
  if (storage_size_ < needed) move_to(std::bit_ceil(std::max(needed, capacity_)));
  head_ = (head_ - bytes.size()) & (storage_size_ - 1);
  size_ = needed;
  const std::size_t first = std::min(bytes.size(), storage_size_ - head_);
  std::memcpy(storage_.get() + head_, bytes.data(), first);
  std::memcpy(storage_.get(), bytes.data() + first, bytes.size() - first);
}

void ByteRing::resize(std::size_t capacity) {
  capacity_ = capacity;
  if (storage_size_ != 0) move_to(capacity);
}

void ByteRing::clear() {
  head_ = size_ = storage_size_ = 0;
  storage_.reset();
}

void ByteRing::move_to(std::size_t storage_size) {
  auto storage = std::make_unique_for_overwrite<std::byte[]>(storage_size);
  std::size_t done = 0;
  for (auto piece = bytes_at(0); !piece.empty(); piece = bytes_at(done)) {
    std::memcpy(storage.get() + done, piece.data(), piece.size());
    done += piece.size();
  }
  storage_ = std::move(storage);
  storage_size_ = storage_size;
  head_ = 0;
}

}  // namespace runsc
