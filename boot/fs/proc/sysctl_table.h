// The parameters that /proc/sys shows.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "boot/base/result.h"

namespace runsc {

struct Sysctl {
  enum class Kind {
    kConstant,  // read only
    kNumbers,   // blank-separated, as many as the initial value has, each in [least, most]
    kText,
    kComputed,  // Sysctls makes the text
  };
  std::string_view path;
  Kind kind = Kind::kConstant;
  std::string_view initial;
  std::int64_t least = 0;
  std::int64_t most = 0x7fffffff;
};

// By path.
std::span<const Sysctl> sysctl_table();
// Null: no such parameter.
const Sysctl* find_sysctl(std::string_view path);

// What a file holds after `text` was written to it, in Linux's form (numbers with tabs between). EINVAL; EPERM.
Result<std::string> parse_sysctl(const Sysctl& sysctl, std::string_view text);

}  // namespace runsc
