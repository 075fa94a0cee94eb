// The first contents of a program's stack: strings, auxiliary vector, pointers (the x86-64 psABI, "Process
// Initialization").
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "boot/base/result.h"

namespace runsc {

// execve(2), "Limits on size of arguments and environment".
inline constexpr std::size_t kMaxArgumentString = 131072;  // with its NUL
// What all strings and the pointers to them may take, given RLIMIT_STACK.
std::uint64_t argument_space(std::uint64_t stack_limit);
// E2BIG.
Result<void> check_argument_space(std::span<const std::string> arguments, std::span<const std::string> environment,
                                  const std::string& path, std::uint64_t stack_limit);

struct StackContents {
  std::span<const std::string> arguments;
  std::span<const std::string> environment;
  std::string path;                    // AT_EXECFN
  std::array<std::byte, 16> random{};  // AT_RANDOM
  // Without AT_RANDOM, AT_EXECFN, AT_PLATFORM and AT_NULL, which are added.
  std::vector<std::pair<std::uint64_t, std::uint64_t>> auxv;
};

struct InitialStack {
  std::uint64_t stack_pointer = 0;  // 16-byte aligned: argc lies there
  std::vector<std::byte> bytes;     // from stack_pointer to the top
  std::uint64_t args_start = 0, args_end = 0, env_start = 0, env_end = 0;
  std::vector<std::uint64_t> auxv;  // complete, with AT_NULL
};

// `top`: the end of the stack's memory, page-aligned. `gap`: bytes left unused between strings and pointers, at random.
InitialStack build_initial_stack(const StackContents& contents, std::uint64_t top, std::uint64_t gap);

}  // namespace runsc
