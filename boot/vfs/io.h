// Where bytes come from and go to in read- and write-like calls: application memory, or a buffer of the kernel.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "boot/base/result.h"

namespace runsc {

// Takes the bytes that a read produces, in order.
class IoSink {
 public:
  virtual ~IoSink() = default;
  virtual std::size_t remaining() const = 0;
  // Appends as much as fits and is accessible; returns how much. EFAULT: nothing could be copied although there is room
  // and `bytes` is not empty.
  virtual Result<std::size_t> put(std::span<const std::byte> bytes) = 0;
};

// Gives the bytes that a write consumes, in order.
class IoSource {
 public:
  virtual ~IoSource() = default;
  virtual std::size_t remaining() const = 0;
  // Takes up to bytes.size(); returns how much. EFAULT as in IoSink::put.
  virtual Result<std::size_t> take(std::span<std::byte> bytes) = 0;
  // As take(), but the bytes stay: for files whose write depends on what is written, and may have to be tried again.
  // EOPNOTSUPP: a source that only gives.
  virtual Result<std::size_t> peek(std::span<std::byte>) { return Errno(EOPNOTSUPP); }
  // Lets go of the next `count` bytes, all of which peek() has shown: a write that came through.
  virtual void skip(std::size_t) {}
};

class BufferSink : public IoSink {
 public:
  explicit BufferSink(std::span<std::byte> buffer) : buffer_(buffer) {}
  std::size_t remaining() const override { return buffer_.size() - used_; }
  Result<std::size_t> put(std::span<const std::byte> bytes) override {
    const std::size_t count = std::min(bytes.size(), remaining());
    if (count != 0) std::memcpy(buffer_.data() + used_, bytes.data(), count);
    used_ += count;
    return count;
  }

 private:
  std::span<std::byte> buffer_;
  std::size_t used_ = 0;
};

class BufferSource : public IoSource {
 public:
  explicit BufferSource(std::span<const std::byte> buffer) : buffer_(buffer) {}
  std::size_t remaining() const override { return buffer_.size(); }
  Result<std::size_t> peek(std::span<std::byte> bytes) override { return BufferSource(*this).take(bytes); }
  void skip(std::size_t count) override { buffer_ = buffer_.subspan(std::min(count, buffer_.size())); }
  Result<std::size_t> take(std::span<std::byte> bytes) override {
    const std::size_t count = std::min(bytes.size(), buffer_.size());
    if (count != 0) std::memcpy(bytes.data(), buffer_.data(), count);
    buffer_ = buffer_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> buffer_;
};

}  // namespace runsc
