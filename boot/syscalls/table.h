// The table of system calls at run time.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "boot/base/result.h"

namespace runsc {

class CurrentTask;

using SyscallArguments = std::array<std::uint64_t, 6>;

enum class SupportLevel { kFull, kPartial, kTodo, kRefused };

// How strace shows an argument; chosen by its type.
enum class ArgumentKind : std::uint8_t {
  kSigned,
  kUnsigned,
  kAddress,
  kPath,
  kText,
  kDescriptor,
  kSignal,
  kOctal,
  kFlags,
};

struct Syscall {
  const char* name = nullptr;  // null: no such number
  SupportLevel support = SupportLevel::kTodo;
  const char* note = "";  // what lacks, or why it is refused
  int argument_count = 0;
  std::array<ArgumentKind, 6> arguments{};
  Result<long> (*call)(CurrentTask&, const SyscallArguments&) = nullptr;
  int error = 0;  // of refused ones
};

inline constexpr std::size_t kSyscallLimit = 512;

// Null for numbers that Linux does not have.
const Syscall* find_syscall(std::uint64_t number);

// How often each unserved call was made, for `runsc debug --stubs`. Thread-safe.
class GapCounters {
 public:
  void count(std::uint64_t number) {
    counts_[number < kSyscallLimit ? number : kSyscallLimit - 1].fetch_add(1, std::memory_order_relaxed);
  }
  std::uint64_t get(std::size_t number) const { return counts_[number].load(std::memory_order_relaxed); }

 private:
  std::array<std::atomic<std::uint64_t>, kSyscallLimit> counts_{};
};

// Runs one system call; ENOSYS, counted, for what is not served.
Result<long> dispatch_syscall(CurrentTask& task, std::uint64_t number, const SyscallArguments& arguments);

}  // namespace runsc
