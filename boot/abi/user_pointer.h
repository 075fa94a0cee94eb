// Pointers into application memory, typed by what they point to and by the direction of the copy. They cannot be
// dereferenced: boot/kernel/user_memory.h copies through them.
#pragma once

#include <cstdint>

namespace runsc {

struct UserAddress {
  std::uint64_t value = 0;
  explicit operator bool() const { return value != 0; }
};

// The kernel reads a T (or an array of T).
template <typename T>
struct UserIn : UserAddress {};
// The kernel writes one.
template <typename T>
struct UserOut : UserAddress {};
// Both.
template <typename T>
struct UserInOut : UserAddress {
  UserIn<T> in() const { return {{value}}; }
  UserOut<T> out() const { return {{value}}; }
};
// A NUL-terminated path, at most PATH_MAX bytes with its NUL.
struct UserPath : UserAddress {};
// Another NUL-terminated string; the limit is the caller's.
struct UserString : UserAddress {};

}  // namespace runsc
