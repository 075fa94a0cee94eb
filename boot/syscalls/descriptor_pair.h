// Two new descriptors at once: pipe(2) and socketpair(2).
#pragma once

#include <utility>

#include "boot/kernel/current_task.h"

namespace runsc {

// Installs both and stores their numbers in `where`; on failure neither stays open.
Result<void> install_pair(CurrentTask& task, std::pair<FilePtr, FilePtr> files, bool close_on_exec, UserOut<int> where);

}  // namespace runsc
