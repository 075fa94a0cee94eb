// Copies of typed objects between application memory and the kernel. Every function copies once: what it returns cannot
// be changed by other threads of the application any more.
#pragma once

#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "boot/abi/user_pointer.h"
#include "boot/base/checked.h"
#include "boot/platform/platform.h"
#include "boot/vfs/io.h"

namespace runsc {

// All or EFAULT.
Result<void> read_exactly(AddressSpace& space, std::uint64_t address, std::span<std::byte> to);
Result<void> write_exactly(AddressSpace& space, std::uint64_t address, std::span<const std::byte> from);
// Up to and without the NUL. `too_long`: no NUL within `limit` bytes.
Result<std::string> read_c_string(AddressSpace& space, std::uint64_t address, std::size_t limit, Errno too_long);

template <typename T>
Result<T> read_object(AddressSpace& space, UserIn<T> from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  TRY(read_exactly(space, from.value, std::as_writable_bytes(std::span(&value, 1))));
  return value;
}

template <typename T>
Result<void> write_object(AddressSpace& space, UserOut<T> to, const T& value) {
  static_assert(std::is_trivially_copyable_v<T>);
  return write_exactly(space, to.value, std::as_bytes(std::span(&value, 1)));
}

// `count` was bounded by the caller.
template <typename T>
Result<std::vector<T>> read_objects(AddressSpace& space, UserIn<T> from, std::size_t count) {
  std::vector<T> values(count);
  TRY(read_exactly(space, from.value, std::as_writable_bytes(std::span(values))));
  return values;
}

template <typename T>
Result<void> write_objects(AddressSpace& space, UserOut<T> to, std::span<const T> values) {
  return write_exactly(space, to.value, std::as_bytes(values));
}

// One application buffer or several, as sink and source of I/O. The ranges were checked for overflow (read_iovec()).
class UserBuffers {
 public:
  explicit UserBuffers(AddressSpace::Range range) : single_(range), ranges_(&single_, 1), remaining_(range.length) {}
  explicit UserBuffers(std::vector<AddressSpace::Range> ranges);
  UserBuffers(const UserBuffers&) = delete;
  UserBuffers& operator=(const UserBuffers&) = delete;

  std::size_t remaining() const { return remaining_; }
  // Calls `copy` with ranges that together are `length` bytes long, the next to be used; goes on by what it returns.
  template <typename Copy>
  Result<std::size_t> use(std::size_t length, Copy copy) {
    if (ranges_.size() == 1 || length <= ranges_[0].length) {
      const AddressSpace::Range first{ranges_[0].address, length};
      const std::size_t done = TRY(copy(std::span(&first, 1)));
      advance(done);
      return done;
    }
    const std::vector<AddressSpace::Range> first = first_ranges(length);
    const std::size_t done = TRY(copy(std::span(first)));
    advance(done);
    return done;
  }

  // The next `length` bytes.
  std::vector<AddressSpace::Range> first_ranges(std::size_t length) const;

 private:
  void advance(std::size_t count);

  AddressSpace::Range single_{};
  std::vector<AddressSpace::Range> several_;
  std::span<AddressSpace::Range> ranges_;  // what is left; never empty while remaining_ is not 0
  std::size_t remaining_;
};

class UserSink : public IoSink {
 public:
  UserSink(AddressSpace& space, AddressSpace::Range range) : space_(space), buffers_(range) {}
  UserSink(AddressSpace& space, std::vector<AddressSpace::Range> ranges) : space_(space), buffers_(std::move(ranges)) {}
  std::size_t remaining() const override { return buffers_.remaining(); }
  Result<std::size_t> put(std::span<const std::byte> bytes) override;

 private:
  AddressSpace& space_;
  UserBuffers buffers_;
};

class UserSource : public IoSource {
 public:
  UserSource(AddressSpace& space, AddressSpace::Range range) : space_(space), buffers_(range) {}
  UserSource(AddressSpace& space, std::vector<AddressSpace::Range> ranges)
      : space_(space), buffers_(std::move(ranges)) {}
  std::size_t remaining() const override { return buffers_.remaining(); }
  Result<std::size_t> take(std::span<std::byte> bytes) override;
  Result<std::size_t> peek(std::span<std::byte> bytes) override;
  void skip(std::size_t count) override;

 private:
  AddressSpace& space_;
  UserBuffers buffers_;
};

// What read(2) and write(2) transfer at most (MAX_RW_COUNT).
inline constexpr std::size_t kMaxTransfer = 0x7ffff000;

}  // namespace runsc
