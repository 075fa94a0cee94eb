// Named pipes (fifo(7)).
#pragma once

#include "boot/base/result.h"
#include "boot/vfs/inode.h"
#include "boot/vfs/open_flags.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

// open(2) of a FIFO of any file system, found at `path`; permission was checked. Waits for the other end unless
// O_NONBLOCK or O_RDWR says otherwise. ENXIO: O_WRONLY | O_NONBLOCK and nobody reads. ERESTARTSYS: a signal came.
Result<FilePtr> open_fifo(CurrentTask& task, const VfsPath& path, OpenFlags flags);

}  // namespace runsc
