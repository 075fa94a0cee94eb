// /proc/<pid>/mem.
#pragma once

#include "boot/fs/proc/process_inode.h"

namespace runsc {

InodePtr make_mem_file(ProcFileSystem& file_system, const ProcessRef& ref);

}  // namespace runsc
