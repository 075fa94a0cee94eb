// Compiled seccomp policies: what the host runs at each system call. Made when the program is built, because compiling
// them takes longer than most other steps of a start.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <span>
#include <vector>

#include "boot/base/result.h"

namespace runsc {

using SeccompProgram = std::vector<sock_filter>;

// The program with a value that is known only now: every comparison with `placeholder` becomes one with `value`.
// EINVAL when the program has none, or the placeholder anywhere else: then it is not the program that was meant.
Result<SeccompProgram> replace_constant(std::span<const sock_filter> program, std::uint32_t placeholder,
                                        std::uint32_t value);

// Confines all threads of the process, for good; sets no_new_privs. Errors: seccomp(2).
Result<void> install_program(std::span<const sock_filter> program);

}  // namespace runsc
