// An inode around an open file that has none: what a magic link (/proc/self/fd/N) to a pipe or to the sandbox's stdio
// leads to.
#pragma once

#include "boot/vfs/file_description.h"
#include "boot/vfs/inode.h"

namespace runsc {

// A place of its own for `file`. Errors are those of its attributes().
Result<VfsPath> make_place_of_open_file(FilePtr file);

}  // namespace runsc
