#include "boot/vfs/path_walk.h"

#include <sys/mount.h>

#include "boot/vfs/open_file_inode.h"
#include "boot/vfs/permissions.h"
#include "boot/vfs/walker.h"

namespace runsc {

Result<VfsPath> walk(const WalkContext& context, const WalkFrom& from, std::string_view path, WalkOptions options) {
  if (path.empty()) {
    if (!options.allow_empty) return Errno(ENOENT);
    return from.start;
  }
  return Walker(context, from).to_end(path, options.follow_last);
}

Result<Parent> walk_to_parent(const WalkContext& context, const WalkFrom& from, std::string_view path) {
  Walker walker(context, from);
  TRY(walker.to_last(path));
  return Parent{walker.at(), std::string(walker.last()), walker.trailing_slash()};
}

Result<void> check_access(const Credentials& credentials, const VfsPath& path, int may) {
  Inode* const inode = path.dentry->inode_pointer();
  if (inode == nullptr) return Errno(ENOENT);
  const std::uint32_t type = inode->type();
  const bool holds_data = S_ISREG(type) || S_ISDIR(type) || S_ISLNK(type);
  if ((may & kMayWrite) != 0 && holds_data && path.mount->read_only()) return Errno(EROFS);
  if ((may & kMayExec) != 0 && S_ISREG(type) && (path.mount->flags() & MS_NOEXEC) != 0) return Errno(EACCES);
  return inode->check_permission(credentials, may);
}

Result<VfsPath> place_of(FileDescription& file) {
  if (file.path()) return file.path();
  const InodePtr inode = file.inode();
  if (!inode) return make_place_of_open_file(file.shared_from_this());
  const FileSystemPtr file_system = inode->file_system().shared_from_this();
  const DentryPtr dentry = Dentry::make_root(file_system, inode);
  return VfsPath{std::make_shared<Mount>(0, file_system, dentry, 0, "none"), dentry};
}

ShownPath show_path(const VfsPath& path, const VfsPath& root) {
  ShownPath shown;
  shown.deleted = path.dentry->deleted();
  VfsPath at = path;
  for (;;) {
    if (at == root) break;
    if (at.dentry == at.mount->root()) {
      VfsPath place = at.mount->mount_point();
      if (!place) {
        // The root of the namespace, or of something that was unmounted: `root` does not show it. Mounts of the
        // kernel's own (id 0) never lay anywhere.
        if (at.mount->id() != 0) shown.text.insert(0, "(unreachable)");
        break;
      }
      at = std::move(place);
      continue;
    }
    shown.text.insert(0, "/" + at.dentry->name());
    DentryPtr parent = at.dentry->parent();
    if (!parent) break;
    at.dentry = std::move(parent);
  }
  if (shown.text.empty()) shown.text = "/";
  if (shown.text == "(unreachable)") shown.text += "/";
  return shown;
}

}  // namespace runsc
