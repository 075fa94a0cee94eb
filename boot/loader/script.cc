#include "boot/loader/script.h"

#include <string_view>

namespace runsc {
namespace {

constexpr std::string_view kBlank = " \t";
// The name also ends at a NUL: the line is a C string to Linux.
constexpr std::string_view kBlankOrNul{" \t\0", 3};

std::string_view trim_end(std::string_view text) {
  const auto last = text.find_last_not_of(kBlank);
  return last == text.npos ? std::string_view() : text.substr(0, last + 1);
}

std::string_view trim_start(std::string_view text) {
  const auto first = text.find_first_not_of(kBlank);
  return first == text.npos ? std::string_view() : text.substr(first);
}

std::string_view until_nul(std::string_view text) { return text.substr(0, text.find('\0')); }

}  // namespace

bool is_script(std::span<const std::byte> head) {
  return head.size() >= 2 && head[0] == std::byte{'#'} && head[1] == std::byte{'!'};
}

Result<ScriptLine> parse_script(std::span<const std::byte> head) {
  if (!is_script(head)) return Errno(ENOEXEC);
  // A shorter file is followed by NUL bytes.
  std::string padded(reinterpret_cast<const char*>(head.data()), std::min(head.size(), kScriptHeadSize));
  padded.resize(kScriptHeadSize, '\0');
  std::string_view line = std::string_view(padded).substr(2);
  const auto newline = line.find('\n');
  if (newline != line.npos) {
    line = line.substr(0, newline);
  } else {
    // The line goes on beyond what was read. Its last byte is not looked at. The interpreter's name must be complete;
    // the argument may be cut off.
    line = line.substr(0, line.size() - 1);
    if (trim_start(line).find_first_of(kBlankOrNul) == line.npos) return Errno(ENOEXEC);
  }
  line = trim_start(trim_end(line));
  const auto name_end = line.find_first_of(kBlankOrNul);
  ScriptLine result;
  result.interpreter = line.substr(0, name_end);
  if (result.interpreter.empty()) return Errno(ENOEXEC);
  if (name_end == line.npos || line[name_end] == '\0') return result;
  const std::string_view argument = until_nul(trim_start(line.substr(name_end)));
  if (!argument.empty()) result.argument = argument;
  return result;
}

}  // namespace runsc
