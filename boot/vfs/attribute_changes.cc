// chmod(2), chown(2), truncate(2), utimensat(2).
#include "boot/vfs/file_claim.h"
#include "boot/vfs/file_leases.h"
#include "boot/vfs/inode_watches.h"
#include "boot/vfs/path_walk.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

Result<FileAttributes> attributes_for_change(const VfsPath& path) {
  if (path.dentry->negative()) return Errno(ENOENT);
  if (path.mount->read_only()) return Errno(EROFS);
  return path.dentry->inode_pointer()->attributes();
}

Result<void> apply(const VfsPath& path, const AttributeChange& change, std::uint32_t event) {
  TRY(path.dentry->inode_pointer()->set_attributes(change));
  notify_object(*path.dentry, event);
  return {};
}

bool may_give_away(const Credentials& credentials, const FileAttributes& file, std::optional<Uid> uid,
                   std::optional<Gid> gid) {
  if (credentials.has_over(CAP_CHOWN, file.uid, file.gid)) return true;
  if (uid && (credentials.fs_uid != file.uid || *uid != file.uid)) return false;
  return !gid || (credentials.fs_uid == file.uid && (*gid == file.gid || credentials.in_group(*gid)));
}

}  // namespace

Result<void> change_mode(const WalkContext& context, const VfsPath& path, std::uint32_t mode) {
  const FileAttributes file = TRY(attributes_for_change(path));
  if (file.is_symlink()) return Errno(EOPNOTSUPP);
  const Credentials& credentials = *context.credentials;
  if (!owner_or_capable(credentials, file)) return Errno(EPERM);
  mode &= 07777;
  if (!credentials.in_group(file.gid) && !credentials.has_over(CAP_FSETID, file.uid, file.gid))
    mode &= ~static_cast<std::uint32_t>(S_ISGID);
  AttributeChange change;
  change.mode = mode;
  return apply(path, change, IN_ATTRIB);
}

Result<void> change_owner(const WalkContext& context, const VfsPath& path, std::optional<Uid> uid,
                          std::optional<Gid> gid) {
  const FileAttributes file = TRY(attributes_for_change(path));
  if (!may_give_away(*context.credentials, file, uid, gid)) return Errno(EPERM);
  AttributeChange change;
  change.uid = uid;
  change.gid = gid;
  if (!file.is_directory() && without_set_id(file) != (file.mode & 07777)) change.mode = without_set_id(file);
  return apply(path, change, IN_ATTRIB);
}

Result<void> change_size(const WalkContext& context, const VfsPath& path, std::uint64_t size) {
  if (path.dentry->negative()) return Errno(ENOENT);
  const std::uint32_t type = path.dentry->inode_pointer()->type();
  if (S_ISDIR(type)) return Errno(EISDIR);
  if (!S_ISREG(type)) return Errno(EINVAL);
  TRY(check_access(*context.credentials, path, kMayWrite));
  Inode& inode = *path.dentry->inode_pointer();
  const FileClaim claim = TRY(FileClaim::take(inode.shared_from_this(), FileClaim::Kind::kWrite));
  TRY(break_leases(context, inode, true, false));
  TRY(drop_set_id(*context.credentials, inode));
  AttributeChange change;
  change.size = size;
  return apply(path, change, IN_MODIFY);
}

Result<void> drop_set_id(const Credentials& credentials, Inode& inode) {
  if (credentials.has(CAP_FSETID) || !S_ISREG(inode.type())) return {};
  FileAttributes file;
  file.mode = TRY(inode.mode());
  if ((file.mode & 07777) == without_set_id(file)) return {};
  AttributeChange change;
  change.mode = without_set_id(file);
  return inode.set_attributes(change);
}

Result<void> change_times(const WalkContext& context, const VfsPath& path, const AttributeChange& times,
                          bool both_now) {
  const FileAttributes file = TRY(attributes_for_change(path));
  if (!owner_or_capable(*context.credentials, file)) {
    if (!both_now) return Errno(EPERM);
    TRY(check_access(*context.credentials, path, kMayWrite));
  }
  return apply(path, times, IN_ATTRIB);
}

}  // namespace runsc
