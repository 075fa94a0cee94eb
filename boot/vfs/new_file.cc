#include "boot/vfs/new_file.h"

#include "boot/vfs/path_walk.h"
#include "boot/vfs/permissions.h"

namespace runsc {

Result<NewFile> new_file(const WalkContext& context, Inode& directory, std::uint32_t mode) {
  const Credentials& credentials = *context.credentials;
  NewFile file{mode & ~context.umask, credentials.fs_uid, credentials.fs_gid};
  const FileAttributes parent = TRY(directory.attributes());
  if ((parent.mode & S_ISGID) == 0) return file;
  file.gid = parent.gid;
  if (S_ISDIR(mode)) {
    file.mode |= S_ISGID;
  } else if ((file.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && !credentials.in_group(file.gid) &&
             !credentials.has(CAP_FSETID)) {
    file.mode &= ~static_cast<std::uint32_t>(S_ISGID);
  }
  return file;
}

Result<void> check_directory_write(const WalkContext& context, const VfsPath& directory) {
  return check_access(*context.credentials, directory, kMayWrite | kMayExec);
}

}  // namespace runsc
