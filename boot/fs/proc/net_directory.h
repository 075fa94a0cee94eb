// /proc/<pid>/net: the tables of VfsServices::network_table; where it knows none, only what an idle system shows.
#pragma once

#include "boot/fs/proc/process_inode.h"

namespace runsc {

InodePtr make_net_directory(ProcFileSystem& file_system, const ProcessRef& ref);

}  // namespace runsc
