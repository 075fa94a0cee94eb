#include "runsc/cli/signals.h"

#include <signal.h>

#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

constexpr int kFirstRealTime = 34;  // the C library keeps two below
constexpr int kLastRealTime = 64;

std::optional<int> integer(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<int> real_time(std::string_view name) {
  if (name == "RTMIN") return kFirstRealTime;
  if (name == "RTMAX") return kLastRealTime;
  const bool from_first = name.starts_with("RTMIN+");
  if (!from_first && !name.starts_with("RTMAX-")) return std::nullopt;
  const auto offset = integer(name.substr(6));
  if (!offset || *offset < 0 || *offset > kLastRealTime - kFirstRealTime) return std::nullopt;
  return from_first ? kFirstRealTime + *offset : kLastRealTime - *offset;
}

std::optional<int> named(const std::string& text) {
  std::string name;
  for (const char c : text) name += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (name.starts_with("SIG")) name = name.substr(3);
  for (int signal = 1; signal < 32; ++signal) {
    const char* known = ::sigabbrev_np(signal);
    if (known != nullptr && name == known) return signal;
  }
  return real_time(name);
}

}  // namespace

int parse_signal(const std::string& text) {
  if (const auto number = integer(text)) {
    if (*number < 0 || *number > kLastRealTime) throw UserError("unable to signal init: invalid argument");
    return *number;
  }
  if (const auto signal = named(text)) return *signal;
  throw UserError("unknown signal \"" + text + "\"");
}

}  // namespace runsc
