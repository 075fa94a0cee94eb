// ByteQueue: bytes in order of arrival.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace runsc {

// Without a limit of its own. Not thread-safe.
class ByteQueue {
 public:
  std::size_t size() const { return bytes_.size() - head_; }
  bool empty() const { return size() == 0; }
  std::span<const std::uint8_t> bytes() const { return std::span(bytes_).subspan(head_); }

  void push(std::uint8_t byte) { bytes_.push_back(byte); }
  void push(std::span<const std::uint8_t> bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  // Removes the first ones. Precondition: count <= size().
  void consume(std::size_t count) {
    head_ += count;
    if (head_ == bytes_.size()) {
      clear();
    } else if (head_ >= kWaste) {
      bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
  }
  // Keeps at most the first `count`.
  void truncate(std::size_t count) { bytes_.resize(head_ + std::min(size(), count)); }
  void clear() {
    bytes_.clear();
    head_ = 0;
  }

 private:
  static constexpr std::size_t kWaste = 4096;

  std::vector<std::uint8_t> bytes_;
  std::size_t head_ = 0;
};

}  // namespace runsc
