#include "boot/strace/strace.h"

#include <csignal>
#include <cstring>
#include <sstream>

#include "boot/base/log.h"
#include "boot/kernel/current_task.h"
#include "boot/syscalls/table.h"

namespace runsc {
namespace {

constexpr std::size_t kLongestText = 256;

std::string quoted(CurrentTask& task, std::uint64_t address) {
  if (address == 0) return "NULL";
  const Result<std::string> text = read_c_string(task.user_memory(), address, kLongestText, Errno(ENAMETOOLONG));
  if (text.ok()) return "\"" + *text + "\"";
  return text.error() == Errno(ENAMETOOLONG) ? "(long text)" : "(bad address)";
}

std::string hexadecimal(std::uint64_t value) {
  std::ostringstream out;
  out << "0x" << std::hex << value;
  return out.str();
}

std::string format(CurrentTask& task, ArgumentKind kind, std::uint64_t value) {
  switch (kind) {
    case ArgumentKind::kSigned:
      // 32-bit arguments leave the upper half of the register undefined.
      return std::to_string(value >> 32 == 0 ? static_cast<std::int32_t>(value) : static_cast<std::int64_t>(value));
    case ArgumentKind::kUnsigned:
      return std::to_string(value);
    case ArgumentKind::kDescriptor:
      return static_cast<std::int32_t>(value) == -100 ? "AT_FDCWD" : std::to_string(static_cast<std::int32_t>(value));
    case ArgumentKind::kPath:
    case ArgumentKind::kText:
      return quoted(task, value);
    case ArgumentKind::kSignal: {
      const char* name = ::sigabbrev_np(static_cast<int>(value));
      return name != nullptr ? std::string("SIG") + name : std::to_string(static_cast<int>(value));
    }
    case ArgumentKind::kOctal: {
      std::ostringstream out;
      out << "0" << std::oct << static_cast<std::uint32_t>(value);
      return out.str();
    }
    case ArgumentKind::kAddress:
      return value == 0 ? "NULL" : hexadecimal(value);
    case ArgumentKind::kFlags:
      return hexadecimal(value);
  }
  return hexadecimal(value);
}

std::string call_text(CurrentTask& task, const Event& event) {
  const Syscall* syscall = find_syscall(event.number);
  std::string text = syscall != nullptr ? syscall->name : "syscall_" + std::to_string(event.number);
  text += '(';
  const int count = syscall != nullptr ? syscall->argument_count : static_cast<int>(event.args.size());
  for (int i = 0; i < count; ++i) {
    const auto index = static_cast<std::size_t>(i);
    const ArgumentKind kind = syscall != nullptr ? syscall->arguments[index] : ArgumentKind::kFlags;
    text += (i != 0 ? ", " : "") + format(task, kind, event.args[index]);
  }
  return text + ")";
}

}  // namespace

void trace_syscall_entry(CurrentTask& task, const Event& event) {
  LOG(WARNING) << "strace [" << raw(task.task().tid()) << "] " << call_text(task, event);
}

void trace_syscall_exit(CurrentTask& task, const Event& event, const Result<long>& result) {
  const Syscall* syscall = find_syscall(event.number);
  const char* name = syscall != nullptr ? syscall->name : "?";
  if (result.ok()) {
    LOG(WARNING) << "strace [" << raw(task.task().tid()) << "] " << name << " = " << *result;
  } else {
    LOG(WARNING) << "strace [" << raw(task.task().tid()) << "] " << name << " = -1 " << errno_name(result.error());
  }
}

}  // namespace runsc
