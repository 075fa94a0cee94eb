// The gofer's seccomp policy, compiled from rules.h when the program was built.
#pragma once

#include "boot/base/result.h"
#include "boot/base/seccomp_program.h"

namespace runsc::gofer {

// Stands for the descriptor of /proc/self/fd in the built program: a number that no descriptor and no other constant of
// the rules has.
inline constexpr int kProcSelfFdPlaceholder = 0x7a5e0fd5;

// Made by generate.cc for the placeholder.
extern const std::span<const sock_filter> kGoferProgram;

// The program for this descriptor.
Result<SeccompProgram> gofer_program(int proc_self_fd);

// Confines all threads of the process with it, for good.
Result<void> install_gofer_filter(int proc_self_fd);

}  // namespace runsc::gofer
