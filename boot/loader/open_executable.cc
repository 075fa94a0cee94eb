#include "boot/loader/open_executable.h"

#include "boot/vfs/dentry.h"
#include "boot/vfs/permissions.h"

namespace runsc {

Result<FilePtr> open_for_execution(const WalkContext& context, const VfsPath& path) {
  const InodePtr inode = path.dentry->inode();
  if (!inode || !S_ISREG(inode->type())) return Errno(EACCES);
  TRY(check_access(*context.credentials, path, kMayExec));
  WalkContext kernel = context;
  kernel.credentials = root_credentials();
  FilePtr file = TRY(open_resolved(kernel, path, OpenFlags{O_RDONLY}));
  file->set_claim(TRY(FileClaim::take(inode, FileClaim::Kind::kExecute)));
  return file;
}

Result<FilePtr> ContextOpener::open_executable(std::string_view path) {
  return open_for_execution(context_, TRY(walk(context_, WalkFrom{context_.cwd, 0}, path)));
}

}  // namespace runsc
