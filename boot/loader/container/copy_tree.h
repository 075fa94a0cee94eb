// Copies what is in one directory into another, for the mount option "tmpcopyup".
#pragma once

#include "boot/base/result.h"
#include "boot/vfs/vfs_path.h"
#include "boot/vfs/walk_context.h"

namespace runsc {

// Copies everything below the directory `from` into the empty directory `to`, which may be mounted over it: contents,
// owners, permissions, links; hard links become files of their own, as with runc. Stops at the first failure (ENOSPC,
// ELOOP for directories deeper than makes sense).
Result<void> copy_tree(const WalkContext& context, const VfsPath& from, const VfsPath& to);

}  // namespace runsc
