// What the seccomp platform needs from the host.
#pragma once

#include <string>

namespace runsc::seccomp {

// Empty: everything is there. Else one line that names the missing feature, the Linux version that has it, and
// the host's.
std::string missing_requirement();

}  // namespace runsc::seccomp
