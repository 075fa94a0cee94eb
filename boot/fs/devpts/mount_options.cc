#include "boot/fs/devpts/mount_options.h"

#include <charconv>
#include <cstdio>

namespace runsc {
namespace {

Result<std::uint32_t> parse_number(std::string_view text, int base) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return Errno(EINVAL);
  return value;
}

Result<void> parse_option(DevptsOptions& options, std::string_view name, std::string_view value) {
  if (name == "uid") {
    options.uid = Uid(TRY(parse_number(value, 10)));
  } else if (name == "gid") {
    options.gid = Gid(TRY(parse_number(value, 10)));
  } else if (name == "mode") {
    options.mode = TRY(parse_number(value, 8)) & 07777;
  } else if (name == "ptmxmode") {
    options.ptmx_mode = TRY(parse_number(value, 8)) & 07777;
  } else if (name == "max") {
    const std::uint32_t max = TRY(parse_number(value, 10));
    if (max > DevptsOptions::kMaxIndices) return Errno(EINVAL);
    options.max = max;
  } else if (name != "newinstance") {
    return Errno(EINVAL);
  }
  return {};
}

std::string octal(const char* name, std::uint32_t mode) {
  char text[32];
  std::snprintf(text, sizeof text, "%s=%03o", name, mode);
  return text;
}

}  // namespace

Result<void> DevptsOptions::parse(std::string_view text) {
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view option = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    if (option.empty()) continue;
    const std::size_t equals = option.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : option.substr(equals + 1);
    TRY(parse_option(*this, option.substr(0, equals), value));
  }
  return {};
}

std::string DevptsOptions::show() const {
  std::string text;
  if (uid) text += "uid=" + std::to_string(raw(*uid)) + ",";
  if (gid) text += "gid=" + std::to_string(raw(*gid)) + ",";
  text += octal("mode", mode) + "," + octal("ptmxmode", ptmx_mode);
  if (max < kMaxIndices) text += ",max=" + std::to_string(max);
  return text;
}

}  // namespace runsc
