#pragma once

namespace runsc {

inline constexpr const char* kVersion = "0.1.0";
inline constexpr const char* kSpecVersion = "1.2.0";

// The commit that this program was built from; "unknown" in builds that are not stamped (releases are: --config=opt).
const char* build_commit();

}  // namespace runsc
