// Owner and permissions that a new file gets from its maker and its directory.
#pragma once

#include "boot/base/result.h"
#include "boot/vfs/inode.h"
#include "boot/vfs/walk_context.h"

namespace runsc {

// `mode` with the type in its upper bits, before umask. Set-group-id directories hand on their group.
Result<NewFile> new_file(const WalkContext& context, Inode& directory, std::uint32_t mode);

// Whether `context` may add or remove names in `directory`: EROFS, EACCES.
Result<void> check_directory_write(const WalkContext& context, const VfsPath& directory);

}  // namespace runsc
