#include "boot/fs/devpts/mount_options.h"

#include <cstdio>

#include "boot/fs/mount_options.h"

namespace runsc {
namespace {

Result<void> parse_option(DevptsOptions& options, std::string_view name, std::string_view value) {
  if (name == "uid") {
    options.uid = Uid(TRY(parse_option_number<std::uint32_t>(value, 10)));
  } else if (name == "gid") {
    options.gid = Gid(TRY(parse_option_number<std::uint32_t>(value, 10)));
  } else if (name == "mode") {
    options.mode = TRY(parse_option_number<std::uint32_t>(value, 8)) & 07777;
  } else if (name == "ptmxmode") {
    options.ptmx_mode = TRY(parse_option_number<std::uint32_t>(value, 8)) & 07777;
  } else if (name == "max") {
    const std::uint32_t max = TRY(parse_option_number<std::uint32_t>(value, 10));
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
  return for_each_mount_option(
      text, [this](std::string_view name, std::string_view value) { return parse_option(*this, name, value); });
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
