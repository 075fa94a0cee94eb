// The boot process's seccomp policy, compiled from boot_rules.h when the program was built.
#pragma once

#include <span>

#include "boot/base/result.h"
#include "boot/base/seccomp_program.h"

namespace runsc {

// Made by generate.cc.
extern const std::span<const sock_filter> kBootProgram;

// Confines the process for good. After the platform's zygote exists (agents are its children, not this process's) and
// before any thread does.
Result<void> install_boot_filter();

}  // namespace runsc
