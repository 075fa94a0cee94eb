// linux.seccomp of the bundle as the program that the sandbox's kernel runs for each system call.
#pragma once

#include <cstdint>
#include <vector>

#include "runsc/oci/spec.h"

namespace runsc {

// The instructions for ContainerConfig::seccomp_filter. As runc: names that x86-64 does not have are skipped, a rule
// that says what is said by default too, and system calls that are newer than all that the profile names fail with
// ENOSYS where the default is an error, so that programs fall back to what the profile allows. Throws UserError.
std::vector<std::uint64_t> compile_seccomp(const oci::Seccomp& profile);

}  // namespace runsc
