#include "runsc/cli/values.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& reason) {
  throw UserError("invalid value for " + name + ": " + reason);
}

// A number without a sign at the beginning of `text`; `rest` is what follows.
double leading_number(const std::string& text, std::string& rest) {
  std::size_t end = 0;
  while (end < text.size() && (std::isdigit(static_cast<unsigned char>(text[end])) != 0 || text[end] == '.')) ++end;
  rest = text.substr(end);
  return end == 0 || text == "." ? -1 : std::strtod(text.substr(0, end).c_str(), nullptr);
}

// 1024 to the power of what the letter stands for; 0: no such suffix.
double byte_unit(std::string suffix) {
  if (!suffix.empty() && suffix[0] == ' ') suffix.erase(0, 1);
  for (char& c : suffix) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr const char kLetters[] = "kmgtp";
  std::size_t power = 0;
  if (!suffix.empty()) {
    const char* found = std::char_traits<char>::find(kLetters, 5, suffix[0]);
    if (found != nullptr) {
      power = static_cast<std::size_t>(found - kLetters) + 1;
      suffix.erase(0, 1);
    }
  }
  if (suffix != "" && suffix != "b" && !(power > 0 && (suffix == "i" || suffix == "ib"))) return 0;
  return std::pow(1024.0, static_cast<double>(power));
}

double milliseconds_in(const std::string& unit) {
  if (unit == "ns") return 1e-6;
  if (unit == "us") return 1e-3;
  if (unit == "ms") return 1;
  if (unit == "s") return 1e3;
  if (unit == "m") return 60e3;
  return unit == "h" ? 3600e3 : 0;
}

}  // namespace

std::int64_t parse_bytes(const std::string& name, const std::string& text) {
  if (text == "-1") return -1;
  std::string suffix;
  const double number = leading_number(text, suffix);
  const double unit = byte_unit(suffix);
  if (number < 0 || unit == 0 || number * unit > 9e18) refuse(name, "invalid size: '" + text + "'");
  return static_cast<std::int64_t>(number * unit);
}

std::int64_t parse_number(const std::string& name, const std::string& text) {
  char* end = nullptr;
  errno = 0;
  const std::int64_t number = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || errno != 0) {
    refuse(name, "parsing \"" + text + "\": " + (errno == ERANGE ? "value out of range" : "invalid syntax"));
  }
  return number;
}

std::chrono::milliseconds parse_duration(const std::string& name, const std::string& text) {
  double total = 0;
  std::string rest = text;
  const auto bad = [&] { refuse(name, "time: invalid duration \"" + text + "\""); };
  if (text.empty()) bad();
  while (!rest.empty() && rest != "0") {
    std::string tail;
    const double number = leading_number(rest, tail);
    std::size_t end = 0;
    while (end < tail.size() && std::isalpha(static_cast<unsigned char>(tail[end])) != 0) ++end;
    const double unit = milliseconds_in(tail.substr(0, end));
    if (number < 0 || unit == 0) bad();
    total += number * unit;
    rest = tail.substr(end);
  }
  if (total > 1e15) bad();
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

}  // namespace runsc
