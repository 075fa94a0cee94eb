// From rules to programs, by libseccomp. For the build and for tests: no process of a sandbox is linked with it.
#pragma once

#include <span>
#include <vector>

#include "boot/base/result.h"
#include "boot/base/seccomp_program.h"
#include "boot/base/seccomp_rules.h"

namespace runsc {

// The same rules give the same program. Errors as libseccomp's, ENOMEM, EIO.
Result<SeccompProgram> compile_rules(std::span<const SeccompRule> rules);

// Compiles and installs: for tests that try other rules than the built ones.
Result<void> install_rules(std::span<const SeccompRule> rules);

struct NamedRules {
  const char* name;  // of the array to be, such as kBootProgram
  std::vector<SeccompRule> rules;
};

// The main function of a build tool: writes C++ definitions `const std::span<const sock_filter> name` within namespace
// `space` to standard output. Returns the exit status.
int write_programs(const char* space, std::span<const NamedRules> policies);

}  // namespace runsc
