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

template <typename... Args>
constexpr int count_types() {
  return sizeof...(Args);
}

using Table = std::array<Syscall, kSyscallLimit>;

constexpr Table make_table() {
  Table table{};
#define SYSCALL(number, name, ...) \
  table[number] = {#name, SupportLevel::kFull, "", count_types<__VA_ARGS__>(), &Invoke<&sys_##name>::call, 0};
#define SYSCALL_PARTIAL(number, name, lacks, ...) \
  table[number] = {#name, SupportLevel::kPartial, lacks, count_types<__VA_ARGS__>(), &Invoke<&sys_##name>::call, 0};
#define SYSCALL_TODO(number, name, ...) \
  table[number] = {#name, SupportLevel::kTodo, "not served yet", count_types<__VA_ARGS__>(), nullptr, ENOSYS};
#define SYSCALL_GAP(number, name, error, reason) \
  table[number] = {#name, SupportLevel::kRefused, reason, 0, nullptr, error};
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
