// O_ASYNC of open files: a signal to the file's owner when it becomes readable or writable (fcntl(2), F_SETFL).
#pragma once

#include "boot/kernel/current_task.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// After the flags of `file`, which `fd` names, have changed from `old_flags`: begins or ends the signals. Files that
// never change by themselves keep the flag without effect, as on Linux.
void update_async_io(CurrentTask& task, Fd fd, const FilePtr& file, int old_flags);

}  // namespace runsc
