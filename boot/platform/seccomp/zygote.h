// The zygote: the agent from which every new address space is forked.
#pragma once

#include "boot/base/result.h"
#include "boot/platform/platform.h"
#include "boot/platform/seccomp/agent.h"

namespace runsc::seccomp {

// The signal by which a thread of the application is stopped. Nothing else sends it.
int kick_signal();

// Clones this process with CLONE_FILES: the zygote shares the descriptor table, its memory is only the stub, `slot` and
// the vdso. `text` is the stub's image. Called while this process has one thread.
Result<Agent> start_zygote(const Platform::Layout& layout, int text, Slot slot);

}  // namespace runsc::seccomp
