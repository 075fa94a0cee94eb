// Why a container cannot start, for a person.
#pragma once

#include <cctype>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "boot/base/result.h"

namespace runsc {

// What, where and why, in one line: `mount "/proc": unknown file system "procfs"`.
struct StartFailure {
  enum class Kind {
    kOther,
    kNotFound,       // there is no such program (the shell's 127)
    kNotExecutable,  // it cannot be executed (126)
    kTooMany,        // a limit of the container's
  };
  std::string message;
  Kind kind = Kind::kOther;
};

// Nothing, or why not.
using StartStatus = std::optional<StartFailure>;

// In lower case, as runc writes reasons: callers look for "no such file or directory".
inline StartFailure start_failure(std::string what, Errno why) {
  const char* known = ::strerrordesc_np(why.value());
  std::string reason = known != nullptr ? known : errno_name(why);
  reason[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(reason[0])));
  return {std::move(what) + ": " + reason, StartFailure::Kind::kOther};
}

}  // namespace runsc
