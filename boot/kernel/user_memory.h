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

// Application buffers as sink and source of I/O. The ranges were checked for overflow (read_iovec()).
class UserSink : public IoSink {
 public:
  UserSink(AddressSpace& space, std::vector<AddressSpace::Range> ranges);
  std::size_t remaining() const override { return remaining_; }
  Result<std::size_t> put(std::span<const std::byte> bytes) override;

 private:
  AddressSpace& space_;
  std::vector<AddressSpace::Range> ranges_;
  std::size_t first_ = 0;
  std::size_t remaining_;
};

class UserSource : public IoSource {
 public:
  UserSource(AddressSpace& space, std::vector<AddressSpace::Range> ranges);
  std::size_t remaining() const override { return remaining_; }
  Result<std::size_t> take(std::span<std::byte> bytes) override;

 private:
  AddressSpace& space_;
  std::vector<AddressSpace::Range> ranges_;
  std::size_t first_ = 0;
  std::size_t remaining_;
};

// What read(2) and write(2) transfer at most (MAX_RW_COUNT).
inline constexpr std::size_t kMaxTransfer = 0x7ffff000;

}  // namespace runsc
