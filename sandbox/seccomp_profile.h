// linux.seccomp of the bundle as the program that the sandbox's kernel runs for each system call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runsc/oci/spec.h"

namespace runsc {

// The instructions for ContainerConfig::seccomp_filter. As runc: names that x86-64 does not have are skipped, a rule
// that says what is said by default too, and system calls that are newer than all that the profile names fail with
// ENOSYS where the default is an error, so that programs fall back to what the profile allows. Throws UserError.
std::vector<std::uint64_t> compile_seccomp(const oci::Seccomp& profile);

// The actions (SCMP_ACT_*) and comparisons (SCMP_CMP_*) that a profile may name, in alphabetical order.
std::vector<std::string> seccomp_action_names();
std::vector<std::string> seccomp_operator_names();

}  // namespace runsc
