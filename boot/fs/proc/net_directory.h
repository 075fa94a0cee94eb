// /proc/<pid>/net: what is known of the network. Tables without their sources hold only the header line.
#pragma once

#include "boot/fs/proc/process_inode.h"

namespace runsc {

InodePtr make_net_directory(ProcFileSystem& file_system, const ProcessRef& ref);

}  // namespace runsc
