// What the sandbox is doing, for a person (`runsc debug`).
#pragma once

#include <string>

#include "boot/kernel/kernel.h"

namespace runsc {

// One line per task: ids, name, state and what the kernel does for it now; then describe_gaps(). From any thread.
std::string describe_tasks(Kernel& kernel);

// The unserved system calls that programs have tried, with their counts and reasons; most frequent first.
std::string describe_gaps(const Kernel& kernel);

}  // namespace runsc
