#include "boot/syscalls/path_arguments.h"

namespace runsc {

Result<PathArgument> read_path_at(CurrentTask& task, Fd directory, UserPath path) {
  PathArgument argument;
  argument.text = TRY(task.read_path(path));
  argument.from = TRY(walk_from(task, directory, argument.text));
  return argument;
}

Result<VfsPath> find_path(CurrentTask& task, Fd directory, UserPath path, int flags) {
  const PathArgument argument = TRY(read_path_at(task, directory, path));
  const WalkOptions options{(flags & AT_SYMLINK_NOFOLLOW) == 0, (flags & AT_EMPTY_PATH) != 0};
  return walk(task, argument.from, argument.text, options);
}

}  // namespace runsc
