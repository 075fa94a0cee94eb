// ByteRing: the bytes in a pipe.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "boot/base/result.h"
#include "boot/vfs/io.h"

namespace runsc {

// A queue of bytes with a capacity that is a power of two. Not thread-safe. The storage is allocated with the first
// byte. An empty ring begins again at its start, so that short messages always use the same cache lines.
class ByteRing {
 public:
  explicit ByteRing(std::size_t capacity) : capacity_(capacity) {}

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return capacity_; }
  // 0 while push_front() has overfilled it.
  std::size_t space() const { return size_ < capacity_ ? capacity_ - size_ : 0; }
  bool empty() const { return size_ == 0; }

  // Appends up to `limit` bytes, at most space(). Returns how many; EFAULT when the source gave none because it is
  // inaccessible.
  Result<std::size_t> fill(IoSource& source, std::size_t limit);
  // Removes up to `limit` bytes. EFAULT as above; nothing is removed then.
  Result<std::size_t> drain(IoSink& sink, std::size_t limit);
  // The contiguous bytes that begin `offset` bytes after the first. Empty at the end.
  std::span<const std::byte> bytes_at(std::size_t offset) const;
  // Precondition: count <= size().
  void skip(std::size_t count);
  // Puts bytes back before the first; the ring may hold more than its capacity afterwards.
  void push_front(std::span<const std::byte> bytes);
  // Precondition: size() <= capacity, a power of two.
  void resize(std::size_t capacity);
  void clear();

 private:
  void move_to(std::size_t storage_size);

  std::size_t capacity_;
  std::unique_ptr<std::byte[]> storage_;
  std::size_t storage_size_ = 0;  // 0, or a power of two >= size_
  std::size_t head_ = 0;          // of the first byte
  std::size_t size_ = 0;
};

}  // namespace runsc
