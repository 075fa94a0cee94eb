// Results without exceptions: Errno, Result<T>, TRY.
//
// Every function of boot/ and gofer/ that can fail returns a Result. An error is always a Linux error number, the
// value that an application, or the peer across a socket, finally sees.
#pragma once

#include <cerrno>
#include <compare>
#include <optional>
#include <utility>
#include <variant>

namespace runsc {

// A Linux error number (errno(3)), always positive. A type of its own, so that no count can be taken for an error.
class [[nodiscard]] Errno {
 public:
  constexpr explicit Errno(int value) : value_(value) {}
  constexpr int value() const { return value_; }
  friend constexpr bool operator==(Errno, Errno) = default;

 private:
  int value_;
};

// Kernel-internal errors (include/linux/errno.h): how an interrupted system call goes on after the signal. They never
// reach an application; boot/kernel/signal_delivery turns them into EINTR or a restart.
inline constexpr Errno kRestartSys{512};        // restart, unless a handler without SA_RESTART runs
inline constexpr Errno kRestartNoIntr{513};     // always restart
inline constexpr Errno kRestartNoHandler{514};  // restart only if no handler runs
inline constexpr Errno kRestartBlock{516};      // as above, through restart_syscall(2) with adjusted arguments

// A name such as "ENOENT", or "unknown errno". Static storage.
const char* errno_name(Errno error);

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit on purpose
  Result(Errno error) : state_(std::in_place_index<1>, error) {}         // NOLINT
  template <typename U>
  requires(std::is_convertible_v<U, T> && !std::is_same_v<std::remove_cvref_t<U>, Result> &&
           !std::is_same_v<std::remove_cvref_t<U>, T> && !std::is_same_v<std::remove_cvref_t<U>, Errno>)
      Result(U&& value)
      : state_(std::in_place_index<0>, std::forward<U>(value)) {}  // NOLINT

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  // Precondition: !ok().
  Errno error() const { return *std::get_if<1>(&state_); }
  // Precondition: ok().
  T& value() & { return *std::get_if<0>(&state_); }
  const T& value() const& { return *std::get_if<0>(&state_); }
  T&& value() && { return std::move(*std::get_if<0>(&state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T other) const { return ok() ? value() : std::move(other); }

 private:
  std::variant<T, Errno> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Errno error) : error_(error) {}  // NOLINT: implicit on purpose

  bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  // Precondition: !ok().
  Errno error() const { return *error_; }
  void value() const {}

 private:
  std::optional<Errno> error_;
};

template <typename T>
T take_value(Result<T>&& result) {
  return std::move(result).value();
}
inline void take_value(Result<void>&&) {}

// The errno of a host call that has just failed.
inline Errno last_errno() { return Errno(errno); }

}  // namespace runsc

// The value of an expression of type Result<T> (or nothing, for Result<void>); on error, returns the error from the
// enclosing function. Not behind another element of a braced list: gcc 12 and clang 16 then leave without destroying
// those before it (test/lint.py looks for it).
#define TRY(expression)                           \
  ({                                              \
    auto try_result_ = (expression);              \
    if (!try_result_.ok()) [[unlikely]]           \
      return ::runsc::Errno(try_result_.error()); \
    ::runsc::take_value(std::move(try_result_));  \
  })
