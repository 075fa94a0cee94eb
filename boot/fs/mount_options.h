// The options of mount(2) as file systems read them: "size=64k,mode=755".
#pragma once

#include <charconv>
#include <string_view>

#include "boot/base/result.h"

namespace runsc {

// Digits and nothing else. EINVAL.
template <typename T>
Result<T> parse_option_number(std::string_view text, int base) {
  T value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return Errno(EINVAL);
  return value;
}

// Calls `take(name, value)` for each option, with an empty value where there is none, until one fails.
template <typename Take>
Result<void> for_each_mount_option(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view option = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    if (option.empty()) continue;
    const std::size_t equals = option.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
    TRY(take(option.substr(0, equals), value));
  }
  return {};
}

}  // namespace runsc
