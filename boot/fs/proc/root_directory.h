// The root of proc: the files about the system, and a directory for each process.
#pragma once

#include "boot/fs/proc/proc_file_system.h"

namespace runsc {

InodePtr make_root_directory(ProcFileSystem& file_system);

}  // namespace runsc
