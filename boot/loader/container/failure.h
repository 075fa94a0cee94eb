// Why a container cannot start, for a person.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "boot/base/result.h"

namespace runsc {

// What, where and why, in one line: `mount "/proc": unknown file system "procfs"`.
struct StartFailure {
  std::string message;
};

// Nothing, or why not.
using StartStatus = std::optional<StartFailure>;

inline StartFailure start_failure(std::string what, Errno why) {
  return {std::move(what) + ": " + ::strerrordesc_np(why.value())};
}

}  // namespace runsc
