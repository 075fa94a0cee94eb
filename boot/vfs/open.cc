// open(2).
#include <sys/mount.h>

#include "boot/vfs/file_leases.h"
#include "boot/vfs/inode_watches.h"
#include "boot/vfs/new_file.h"
#include "boot/vfs/path_only_file.h"
#include "boot/vfs/permissions.h"
#include "boot/vfs/walker.h"

namespace runsc {
namespace {

int wanted_access(OpenFlags flags) {
  int may = 0;
  if (flags.access() != O_WRONLY) may |= kMayRead;
  if (flags.access() != O_RDONLY || flags.has(O_TRUNC)) may |= kMayWrite;
  return may;
}

Result<void> check_open(const WalkContext& context, const VfsPath& path, OpenFlags flags) {
  Inode& inode = *path.dentry->inode_pointer();
  const std::uint32_t type = inode.type();
  const int may = wanted_access(flags);
  if (S_ISLNK(type)) return Errno(ELOOP);
  if (S_ISDIR(type)) {
    if ((may & kMayWrite) != 0 || flags.has(O_CREAT)) return Errno(EISDIR);
  } else if (flags.has(O_DIRECTORY)) {
    return Errno(ENOTDIR);
  }
  if ((S_ISCHR(type) || S_ISBLK(type)) && (path.mount->flags() & MS_NODEV) != 0) return Errno(EACCES);
  TRY(check_access(*context.credentials, path, may));
  if (flags.has(O_NOATIME) && !owner_or_capable(*context.credentials, TRY(inode.attributes()))) return Errno(EPERM);
  return {};
}

// ETXTBSY; waits for leases. The claim comes first: a lease is not granted against it.
Result<FileClaim> claim_for(const WalkContext& context, Inode& inode, OpenFlags flags) {
  if (!S_ISREG(inode.type())) return FileClaim();
  const bool writes = flags.writable() || flags.has(O_TRUNC);
  FileClaim claim =
      TRY(FileClaim::take(inode.shared_from_this(), writes ? FileClaim::Kind::kWrite : FileClaim::Kind::kRead));
  TRY(break_leases(context, inode, writes, flags.nonblocking()));
  return claim;
}

// By what kind of object it is. Permission was checked.
Result<FilePtr> open_object(const WalkContext& context, const VfsPath& path, OpenFlags flags) {
  Inode& inode = *path.dentry->inode_pointer();
  if (inode.opens_itself()) return inode.open(path, flags);
  switch (inode.type()) {
    case S_IFSOCK:
      return Errno(ENXIO);
    case S_IFIFO:
      if (context.task == nullptr || context.services == nullptr || !context.services->open_fifo) return Errno(ENXIO);
      return context.services->open_fifo(*context.task, path, flags);
    case S_IFCHR:
    case S_IFBLK: {
      if (context.task == nullptr || context.services == nullptr) return Errno(ENXIO);
      const FileAttributes attributes = TRY(inode.attributes());
      return context.services->devices.open(*context.task, path, flags, S_ISBLK(inode.type()), attributes.rdev);
    }
    default:
      return inode.open(path, flags);
  }
}

Result<FilePtr> open_existing(const WalkContext& context, const VfsPath& path, OpenFlags flags) {
  Inode& inode = *path.dentry->inode_pointer();
  if (flags.path_only()) {
    if (flags.has(O_DIRECTORY) && !S_ISDIR(inode.type())) return Errno(ENOTDIR);
    return FilePtr(std::make_shared<PathOnlyFile>(path, flags));
  }
  TRY(check_open(context, path, flags));
  FileClaim claim = TRY(claim_for(context, inode, flags));
  FilePtr file = TRY(open_object(context, path, flags));
  if (flags.has(O_TRUNC) && S_ISREG(inode.type())) {
    TRY(drop_set_id(*context.credentials, inode));
    AttributeChange change;
    change.size = 0;
    TRY(inode.set_attributes(change));
    notify_object(*path.dentry, IN_MODIFY);
  }
  notify_object(*path.dentry, IN_OPEN);
  // What O_TRUNC alone has claimed for writing stays claimed for reading.
  if (flags.has(O_TRUNC) && !flags.writable() && S_ISREG(inode.type()))
    claim = TRY(FileClaim::take(inode.shared_from_this(), FileClaim::Kind::kRead));
  file->set_claim(std::move(claim));
  return file;
}

// EEXIST: the name has come to exist meanwhile.
Result<FilePtr> create_and_open(const WalkContext& context, const VfsPath& directory, std::string_view name,
                                OpenFlags flags, std::uint32_t mode) {
  Dentry& parent = *directory.dentry;
  VfsPath created{directory.mount, nullptr};
  {
    const Dentry::DirectoryLock lock = parent.lock_directory();
    if (parent.deleted()) return Errno(ENOENT);
    if (!TRY(parent.child_locked(name))->negative()) return Errno(EEXIST);
    TRY(check_directory_write(context, directory));
    Inode& inode = *parent.inode_pointer();
    const NewFile file = TRY(new_file(context, inode, S_IFREG | (mode & 07777)));
    created.dentry = parent.add_child(name, TRY(inode.create(name, file)));
  }
  notify_name(parent, name, false, IN_CREATE);
  Inode& inode = *created.dentry->inode_pointer();
  FileClaim claim = TRY(claim_for(context, inode, flags));
  FilePtr file = TRY(inode.open(created, flags));
  file->set_claim(std::move(claim));
  notify_object(*created.dentry, IN_OPEN);
  return file;
}

Result<FilePtr> open_or_create(const WalkContext& context, const WalkFrom& from, std::string_view path, OpenFlags flags,
                               std::uint32_t mode) {
  Walker walker(context, from);
  TRY(walker.to_last(path));
  for (;;) {
    if (walker.last_kind() != Walker::Last::kName || walker.trailing_slash()) return Errno(EISDIR);
    const VfsPath found = TRY(walker.peek_last());
    if (found.dentry->negative()) {
      auto created = create_and_open(context, walker.at(), walker.last(), flags, mode);
      if (!created.ok() && created.error() == Errno(EEXIST) && !flags.has(O_EXCL)) continue;
      return created;
    }
    if (flags.has(O_EXCL)) return Errno(EEXIST);
    if (!S_ISLNK(found.dentry->inode_pointer()->type())) return open_existing(context, found, flags);
    if (flags.has(O_NOFOLLOW)) return Errno(ELOOP);
    if (TRY(walker.follow_last(found))) return open_existing(context, walker.at(), flags);
  }
}

Result<FilePtr> open_unnamed(const WalkContext& context, const VfsPath& directory, OpenFlags flags,
                             std::uint32_t mode) {
  Inode& parent = *directory.dentry->inode_pointer();
  if (!S_ISDIR(parent.type())) return Errno(ENOTDIR);
  TRY(check_directory_write(context, directory));
  const NewFile file = TRY(new_file(context, parent, S_IFREG | (mode & 07777)));
  InodePtr inode = TRY(parent.make_unnamed(file));
  const FileAttributes attributes = TRY(inode->attributes());
  const DentryPtr dentry = Dentry::make_deleted(directory.dentry, "#" + std::to_string(attributes.inode), inode);
  dentry->never_named.store(flags.has(O_EXCL), std::memory_order_relaxed);
  FileClaim claim = TRY(claim_for(context, *inode, flags));
  FilePtr opened = TRY(inode->open({directory.mount, dentry}, flags));
  opened->set_claim(std::move(claim));
  return opened;
}

}  // namespace

Result<FilePtr> open_path(const WalkContext& context, const WalkFrom& from, std::string_view path, OpenFlags flags,
                          std::uint32_t mode) {
  if (flags.path_only()) flags.bits &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  if (flags.has(O_TMPFILE)) {
    if (!flags.writable()) return Errno(EINVAL);
    const VfsPath directory = TRY(walk(context, from, path, {.follow_last = !flags.has(O_NOFOLLOW)}));
    return open_unnamed(context, directory, flags, mode);
  }
  if (flags.has(O_CREAT)) {
    if (flags.has(O_DIRECTORY)) return Errno(EINVAL);
    return open_or_create(context, from, path, flags, mode);
  }
  const VfsPath found = TRY(walk(context, from, path, {.follow_last = !flags.has(O_NOFOLLOW)}));
  return open_existing(context, found, flags);
}

Result<FilePtr> open_resolved(const WalkContext& context, const VfsPath& path, OpenFlags flags) {
  if (path.dentry->negative()) return Errno(ENOENT);
  return open_existing(context, path, flags);
}

}  // namespace runsc
