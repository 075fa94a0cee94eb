// Arithmetic on untrusted numbers.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

namespace runsc {

template <std::integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  T out;
  return __builtin_add_overflow(a, b, &out) ? std::nullopt : std::optional<T>(out);
}

template <std::integral T>
constexpr std::optional<T> checked_sub(T a, T b) {
  T out;
  return __builtin_sub_overflow(a, b, &out) ? std::nullopt : std::optional<T>(out);
}

template <std::integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
  T out;
  return __builtin_mul_overflow(a, b, &out) ? std::nullopt : std::optional<T>(out);
}

inline constexpr std::uint64_t kPageSize = 4096;

constexpr bool page_aligned(std::uint64_t value) { return value % kPageSize == 0; }
constexpr std::uint64_t page_floor(std::uint64_t value) { return value & ~(kPageSize - 1); }
// nullopt when rounding up passes 2^64.
constexpr std::optional<std::uint64_t> page_ceil(std::uint64_t value) {
  const auto sum = checked_add(value, kPageSize - 1);
  return sum ? std::optional(page_floor(*sum)) : std::nullopt;
}

}  // namespace runsc
