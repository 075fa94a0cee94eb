// How others get the file system of a gofer: all that is seen outside this folder.
#pragma once

#include "boot/base/unique_fd.h"
#include "boot/vfs/inode.h"
#include "boot/vfs/inode_twins.h"

namespace runsc {

enum class GoferCaching {
  kExclusive,  // only this kernel changes the files: names and attributes are cached until it changes them
  kShared,  // others do too: names are cached as long as the gofer can tell that they have not changed, else asked for
            // again before each use; attributes are the host's own at every look
};

// Takes the kernel's end of a gofer connection and waits until the gofer answers. `twins`: where its inodes meet those
// of other connections; null: nowhere. EIO: it does not answer.
Result<FileSystemPtr> attach_gofer(UniqueFd socket, GoferCaching caching, std::shared_ptr<InodeTwins> twins = nullptr);

}  // namespace runsc
