// mkdir(2), mknod(2), symlink(2), link(2).
#include <sys/sysmacros.h>

#include "boot/vfs/inode_watches.h"
#include "boot/vfs/new_file.h"
#include "boot/vfs/path_walk.h"

namespace runsc {
namespace {

bool plain_name(std::string_view name) { return !name.empty() && name != "." && name != ".."; }

// Makes `parent.name` with `make(directory inode, name)`, which returns the new inode.
template <typename Make>
Result<void> make_entry(const WalkContext& context, const Parent& parent, bool is_directory, Make make) {
  if (!plain_name(parent.name)) return Errno(EEXIST);
  if (parent.name.size() > kNameMax) return Errno(ENAMETOOLONG);
  Dentry& directory = *parent.directory.dentry;
  {
    const Dentry::DirectoryLock lock = directory.lock_directory();
    if (directory.deleted()) return Errno(ENOENT);
    if (!TRY(directory.child_locked(parent.name))->negative()) return Errno(EEXIST);
    if (parent.trailing_slash && !is_directory) return Errno(ENOENT);
    TRY(check_directory_write(context, parent.directory));
    InodePtr inode = TRY(make(*directory.inode_pointer(), std::string_view(parent.name)));
    directory.add_child(parent.name, std::move(inode));
  }
  notify_name(directory, parent.name, is_directory, IN_CREATE);
  return {};
}

Result<void> check_node(const WalkContext& context, std::uint32_t mode, std::uint64_t rdev) {
  switch (mode & S_IFMT) {
    case S_IFREG:
    case S_IFIFO:
    case S_IFSOCK:
      return {};
    case S_IFCHR:
      if (rdev == 0) return {};  // a whiteout
      [[fallthrough]];
    case S_IFBLK:
      if (!context.credentials->has(CAP_MKNOD)) return Errno(EPERM);
      return {};
    case S_IFDIR:
      return Errno(EPERM);
    default:
      return Errno(EINVAL);
  }
}

// What linkat(2) may give a further name to.
Result<void> check_link_source(const WalkContext& context, const VfsPath& source, bool by_descriptor) {
  if (source.dentry->negative() || source.dentry->never_named.load(std::memory_order_relaxed)) return Errno(ENOENT);
  if (by_descriptor && !context.credentials->has(CAP_DAC_READ_SEARCH)) return Errno(ENOENT);
  return {};
}

}  // namespace

Result<void> make_directory(const WalkContext& context, const WalkFrom& from, std::string_view path,
                            std::uint32_t mode) {
  const Parent parent = TRY(walk_to_parent(context, from, path));
  return make_entry(context, parent, true, [&](Inode& directory, std::string_view name) -> Result<InodePtr> {
    NewFile file = TRY(new_file(context, directory, S_IFDIR | (mode & 01777)));
    file.mode &= 07777;
    return directory.make_directory(name, file);
  });
}

Result<void> make_node(const WalkContext& context, const WalkFrom& from, std::string_view path, std::uint32_t mode,
                       std::uint64_t rdev) {
  if ((mode & S_IFMT) == 0) mode |= S_IFREG;
  TRY(check_node(context, mode, rdev));
  const Parent parent = TRY(walk_to_parent(context, from, path));
  return make_entry(context, parent, false, [&](Inode& directory, std::string_view name) -> Result<InodePtr> {
    NewFile file = TRY(new_file(context, directory, mode));
    if (!S_ISREG(mode)) return directory.make_node(name, file, S_ISCHR(mode) || S_ISBLK(mode) ? rdev : 0);
    file.mode &= 07777;
    return directory.create(name, file);
  });
}

Result<void> make_symlink(const WalkContext& context, std::string_view target, const WalkFrom& from,
                          std::string_view path) {
  if (target.empty()) return Errno(ENOENT);
  const Parent parent = TRY(walk_to_parent(context, from, path));
  return make_entry(context, parent, false, [&](Inode& directory, std::string_view name) -> Result<InodePtr> {
    NewFile file = TRY(new_file(context, directory, S_IFLNK));
    file.mode = 0777;
    return directory.make_symlink(name, file, target);
  });
}

Result<void> make_link(const WalkContext& context, const WalkFrom& old_from, std::string_view old_path,
                       const WalkFrom& new_from, std::string_view new_path, int at_flags) {
  if ((at_flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) return Errno(EINVAL);
  const WalkOptions options{(at_flags & AT_SYMLINK_FOLLOW) != 0, (at_flags & AT_EMPTY_PATH) != 0};
  const VfsPath source = TRY(walk(context, old_from, old_path, options));
  TRY(check_link_source(context, source, old_path.empty()));
  const Parent parent = TRY(walk_to_parent(context, new_from, new_path));
  const InodePtr inode = source.dentry->inode();
  TRY(make_entry(context, parent, false, [&](Inode& directory, std::string_view name) -> Result<InodePtr> {
    if (source.mount != parent.directory.mount) return Errno(EXDEV);
    if (S_ISDIR(inode->type())) return Errno(EPERM);
    TRY(directory.make_link(name, inode));
    return inode;
  }));
  notify_self(*source.dentry, IN_ATTRIB);
  return {};
}

}  // namespace runsc
