// Strong types for the numbers that Linux programs know as int.
#pragma once

#include <cstdint>
#include <type_traits>

namespace runsc {

enum class Uid : std::uint32_t {};
enum class Gid : std::uint32_t {};
// A task, thread group, process group or session id, as one pid namespace numbers it.
enum class Pid : std::int32_t {};
// A file descriptor of the application.
enum class Fd : std::int32_t {};
// A signal number, 1..64.
enum class Signal : std::int32_t {};

template <typename E>
requires std::is_enum_v<E>
constexpr auto raw(E value) { return static_cast<std::underlying_type_t<E>>(value); }

inline constexpr Uid kRootUid{0};
inline constexpr Gid kRootGid{0};
inline constexpr Uid kOverflowUid{65534};
inline constexpr Gid kOverflowGid{65534};
inline constexpr Fd kNoFd{-1};

}  // namespace runsc
