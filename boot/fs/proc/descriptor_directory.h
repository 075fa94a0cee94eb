// /proc/<pid>/fd and /proc/<pid>/fdinfo.
#pragma once

#include "boot/fs/proc/process_inode.h"

namespace runsc {

InodePtr make_fd_directory(ProcFileSystem& file_system, const ProcessRef& ref);
InodePtr make_fdinfo_directory(ProcFileSystem& file_system, const ProcessRef& ref);

// A decimal number without sign or leading zeros, as the names of processes and descriptors are; -1: not one.
int number_of(std::string_view name);

}  // namespace runsc
