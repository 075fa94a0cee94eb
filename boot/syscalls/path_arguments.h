// Paths as system calls take them.
#pragma once

#include <string>

#include "boot/kernel/current_task.h"
#include "boot/vfs/path_walk.h"

namespace runsc {

struct PathArgument {
  std::string text;
  WalkFrom from;
};

inline constexpr Fd kAtCwd{AT_FDCWD};

// EFAULT, ENAMETOOLONG, EBADF.
Result<PathArgument> read_path_at(CurrentTask& task, Fd directory, UserPath path);

// The existing file that a path names. `flags`: AT_SYMLINK_NOFOLLOW and AT_EMPTY_PATH count.
Result<VfsPath> find_path(CurrentTask& task, Fd directory, UserPath path, int flags);

}  // namespace runsc
