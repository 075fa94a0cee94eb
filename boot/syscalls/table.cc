#include "boot/syscalls/table.h"

#include <utility>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/syscalls/handlers.h"

namespace runsc {
namespace {

// Decodes the registers into the types that a handler declares.
template <auto kHandler>
struct Invoke;

template <typename... Args, Result<long> (*kHandler)(CurrentTask&, Args...)>
struct Invoke<kHandler> {
  static_assert(sizeof...(Args) <= 6);
  static Result<long> call(CurrentTask& task, const SyscallArguments& arguments) {
    return call_with(task, arguments, std::index_sequence_for<Args...>());
  }

 private:
  template <std::size_t... kIndex>
  static Result<long> call_with(CurrentTask& task, const SyscallArguments& arguments, std::index_sequence<kIndex...>) {
    (void)arguments;
    return kHandler(task, decode_argument<Args>(arguments[kIndex])...);
  }
};

template <typename T>
constexpr ArgumentKind kind_of() {
  if constexpr (std::is_same_v<T, UserPath>) return ArgumentKind::kPath;
  if constexpr (std::is_same_v<T, UserString>) return ArgumentKind::kText;
  if constexpr (std::is_base_of_v<UserAddress, T>) return ArgumentKind::kAddress;
  if constexpr (std::is_same_v<T, Fd>) return ArgumentKind::kDescriptor;
  if constexpr (std::is_same_v<T, Signal>) return ArgumentKind::kSignal;
  if constexpr (std::is_same_v<T, Mode>) return ArgumentKind::kOctal;
  if constexpr (std::is_enum_v<T> || std::is_signed_v<T>) return ArgumentKind::kSigned;
  if constexpr (std::is_unsigned_v<T>) return ArgumentKind::kUnsigned;
  return ArgumentKind::kFlags;
}

template <typename... Args>
constexpr Syscall describe(const char* name, SupportLevel support, const char* note, int error) {
  static_assert(sizeof...(Args) <= 6);
  Syscall syscall;
  syscall.name = name;
  syscall.support = support;
  syscall.note = note;
  syscall.argument_count = sizeof...(Args);
  syscall.arguments = {kind_of<Args>()...};
  syscall.error = error;
  return syscall;
}

constexpr Syscall served(Syscall syscall, Result<long> (*call)(CurrentTask&, const SyscallArguments&)) {
  syscall.call = call;
  return syscall;
}

using Table = std::array<Syscall, kSyscallLimit>;

constexpr Table make_table() {
  Table table{};
#define SYSCALL(number, name, ...) \
  table[number] = served(describe<__VA_ARGS__>(#name, SupportLevel::kFull, "", 0), &Invoke<&sys_##name>::call);
#define SYSCALL_PARTIAL(number, name, lacks, ...) \
  table[number] = served(describe<__VA_ARGS__>(#name, SupportLevel::kPartial, lacks, 0), &Invoke<&sys_##name>::call);
#define SYSCALL_TODO(number, name, ...) \
  table[number] = describe<__VA_ARGS__>(#name, SupportLevel::kTodo, "not served yet", ENOSYS);
#define SYSCALL_GAP(number, name, error, reason) \
  table[number] = describe<>(#name, SupportLevel::kRefused, reason, error);
#include "boot/syscalls/syscalls.def"
#undef SYSCALL
#undef SYSCALL_PARTIAL
#undef SYSCALL_TODO
#undef SYSCALL_GAP
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

const Syscall* find_syscall(std::uint64_t number) {
  if (number >= kSyscallLimit || kTable[number].name == nullptr) return nullptr;
  return &kTable[number];
}

Result<long> dispatch_syscall(CurrentTask& task, std::uint64_t number, const SyscallArguments& arguments) {
  const Syscall* syscall = find_syscall(number);
  if (syscall != nullptr && syscall->call != nullptr) [[likely]]
    return syscall->call(task, arguments);
  task.kernel().gaps.count(number);
  return Errno(syscall != nullptr ? syscall->error : ENOSYS);
}

}  // namespace runsc
