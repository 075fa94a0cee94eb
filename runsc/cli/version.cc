// Compiled when the program is linked, with what third_party/status.sh says (Bazel's linkstamp).
#include "runsc/cli/version.h"

#include <string_view>

namespace runsc {

const char* build_commit() {
  constexpr std::string_view kUnstamped = "0";
  return BUILD_SCM_REVISION == kUnstamped ? "unknown" : BUILD_SCM_REVISION;
}

}  // namespace runsc
