// /proc/<pid>/task: the threads of one process.
#pragma once

#include "boot/fs/proc/process_inode.h"

namespace runsc {

InodePtr make_task_directory(ProcFileSystem& file_system, const ProcessRef& ref);

}  // namespace runsc
