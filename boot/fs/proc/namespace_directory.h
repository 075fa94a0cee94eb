// /proc/<pid>/ns (namespaces(7)).
#pragma once

#include "boot/fs/proc/process_inode.h"

namespace runsc {

InodePtr make_ns_directory(ProcFileSystem& file_system, const ProcessRef& ref);

}  // namespace runsc
