// unlink(2), rmdir(2), rename(2).
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "boot/vfs/inode_watches.h"
#include "boot/vfs/new_file.h"
#include "boot/vfs/path_walk.h"
#include "boot/vfs/permissions.h"

namespace runsc {
namespace {

bool plain_name(std::string_view name) { return !name.empty() && name != "." && name != ".."; }

bool is_directory(const Dentry& dentry) { return S_ISDIR(dentry.inode_pointer()->type()); }

// Whether `victim` may be taken out of `directory`, and is what the caller expects.
Result<void> check_removal(const WalkContext& context, const VfsPath& directory, const Dentry& victim,
                           bool want_directory) {
  TRY(check_directory_write(context, directory));
  const FileAttributes parent = TRY(directory.dentry->inode_pointer()->attributes());
  if ((parent.mode & S_ISVTX) != 0 &&
      sticky_forbids(*context.credentials, parent, TRY(victim.inode_pointer()->attributes())))
    return Errno(EPERM);
  if (want_directory != is_directory(victim)) return Errno(want_directory ? ENOTDIR : EISDIR);
  return {};
}

// After the name is gone: the object may be, too.
void notify_removed(Dentry& victim, bool was_directory) {
  if (!victim.inode_pointer()->has_watches()) return;
  const auto attributes = victim.inode_pointer()->attributes();
  if (!was_directory) notify_self(victim, IN_ATTRIB);
  if (was_directory || (attributes.ok() && attributes->links == 0)) notify_self(victim, IN_DELETE_SELF);
}

Result<void> remove(const WalkContext& context, const Parent& parent, bool want_directory) {
  Dentry& directory = *parent.directory.dentry;
  DentryPtr victim;
  {
    const Dentry::DirectoryLock lock = directory.lock_directory();
    if (parent.directory.mount->read_only()) return Errno(EROFS);
    victim = TRY(directory.child_locked(parent.name));
    if (victim->negative()) return Errno(ENOENT);
    if (parent.trailing_slash && !want_directory) return Errno(is_directory(*victim) ? EISDIR : ENOTDIR);
    TRY(check_removal(context, parent.directory, *victim, want_directory));
    if (victim->mounted_here.load() != 0) return Errno(EBUSY);
    Inode& inode = *directory.inode_pointer();
    if (want_directory)
      TRY(inode.remove_directory(parent.name, victim->inode()));
    else
      TRY(inode.unlink(parent.name, victim->inode()));
    directory.remove_child(victim);
  }
  notify_name(directory, parent.name, want_directory, IN_DELETE);
  notify_removed(*victim, want_directory);
  return {};
}

// One rename under its locks.
class Rename {
 public:
  Rename(const WalkContext& context, const Parent& from, const Parent& to, unsigned flags)
      : context_(context), from_(from), to_(to), flags_(flags) {}

  Result<void> run();

 private:
  Result<void> check_names() const;
  Result<void> look_up();
  Result<void> check_shape() const;
  Result<void> check_permissions() const;
  Result<void> apply();
  void notify() const;
  bool exchange() const { return (flags_ & RENAME_EXCHANGE) != 0; }
  Dentry& old_directory() const { return *from_.directory.dentry; }
  Dentry& new_directory() const { return *to_.directory.dentry; }

  const WalkContext& context_;
  const Parent& from_;
  const Parent& to_;
  const unsigned flags_;
  DentryPtr source_, target_;  // the target may be negative
};

Result<void> Rename::run() {
  TRY(check_names());
  {
    const std::unique_lock rename_lock(old_directory().file_system().rename_lock());
    // By address: the rename lock alone prevents a deadlock, but what checks the order of locks does not know that.
    const auto [first, second] = std::minmax({&old_directory(), &new_directory()}, std::less<>());
    const Dentry::DirectoryLock first_lock = first->lock_directory();
    Dentry::DirectoryLock second_lock;
    if (second != first) second_lock = second->lock_directory();
    TRY(look_up());
    TRY(check_shape());
    if (source_->inode_pointer() == target_->inode_pointer()) return {};
    TRY(check_permissions());
    TRY(apply());
  }
  notify();
  return {};
}

Result<void> Rename::check_names() const {
  if (from_.directory.mount != to_.directory.mount) return Errno(EXDEV);
  if (!plain_name(from_.name)) return Errno(EBUSY);
  if (!plain_name(to_.name)) return Errno((flags_ & RENAME_NOREPLACE) != 0 ? EEXIST : EBUSY);
  if (from_.name.size() > kNameMax || to_.name.size() > kNameMax) return Errno(ENAMETOOLONG);
  if (from_.directory.mount->read_only()) return Errno(EROFS);
  return {};
}

Result<void> Rename::look_up() {
  source_ = TRY(old_directory().child_locked(from_.name));
  if (source_->negative()) return Errno(ENOENT);
  target_ = TRY(new_directory().child_locked(to_.name));
  if ((flags_ & RENAME_NOREPLACE) != 0 && !target_->negative()) return Errno(EEXIST);
  if (exchange() && target_->negative()) return Errno(ENOENT);
  if (old_directory().deleted() || new_directory().deleted()) return Errno(ENOENT);
  return {};
}

// Trailing slashes, and directories that would lie in themselves.
Result<void> Rename::check_shape() const {
  if (exchange() && to_.trailing_slash && !is_directory(*target_)) return Errno(ENOTDIR);
  if (!is_directory(*source_)) {
    if (from_.trailing_slash || (!exchange() && to_.trailing_slash)) return Errno(ENOTDIR);
  }
  if (is_below(to_.directory.dentry, source_)) return Errno(EINVAL);
  if (!target_->negative() && is_below(from_.directory.dentry, target_)) return Errno(exchange() ? EINVAL : ENOTEMPTY);
  return {};
}

Result<void> Rename::check_permissions() const {
  TRY(check_removal(context_, from_.directory, *source_, is_directory(*source_)));
  if (target_->negative())
    TRY(check_directory_write(context_, to_.directory));
  else
    TRY(check_removal(context_, to_.directory, *target_, exchange() ? is_directory(*target_) : is_directory(*source_)));
  if (&old_directory() != &new_directory()) {
    // ".." of a directory changes.
    if (is_directory(*source_)) TRY(source_->inode_pointer()->check_permission(*context_.credentials, kMayWrite));
    if (exchange() && is_directory(*target_))
      TRY(target_->inode_pointer()->check_permission(*context_.credentials, kMayWrite));
  }
  if (source_->mounted_here.load() != 0 || target_->mounted_here.load() != 0) return Errno(EBUSY);
  return {};
}

Result<void> Rename::apply() {
  TRY(old_directory().inode_pointer()->rename(from_.name, source_->inode(), new_directory().inode(), to_.name,
                                              target_->inode(), flags_ & ~RENAME_NOREPLACE));
  if (exchange())
    old_directory().exchange_children(source_, to_.directory.dentry, target_);
  else
    old_directory().move_child(source_, to_.directory.dentry, to_.name);
  return {};
}

void Rename::notify() const {
  const std::uint32_t cookie = context_.services != nullptr ? context_.services->next_rename_cookie++ : 1;
  notify_name(old_directory(), from_.name, is_directory(*source_), IN_MOVED_FROM, cookie);
  notify_name(new_directory(), to_.name, is_directory(*source_), IN_MOVED_TO, cookie);
  notify_self(*source_, IN_MOVE_SELF);
  if (exchange()) {
    const std::uint32_t other = context_.services != nullptr ? context_.services->next_rename_cookie++ : 2;
    notify_name(new_directory(), to_.name, is_directory(*target_), IN_MOVED_FROM, other);
    notify_name(old_directory(), from_.name, is_directory(*target_), IN_MOVED_TO, other);
    notify_self(*target_, IN_MOVE_SELF);
  } else if (!target_->negative()) {
    notify_removed(*target_, is_directory(*target_));
  }
}

}  // namespace

Result<void> unlink(const WalkContext& context, const WalkFrom& from, std::string_view path) {
  const Parent parent = TRY(walk_to_parent(context, from, path));
  if (!plain_name(parent.name)) return Errno(EISDIR);
  if (parent.name.size() > kNameMax) return Errno(ENAMETOOLONG);
  return remove(context, parent, false);
}

Result<void> remove_directory(const WalkContext& context, const WalkFrom& from, std::string_view path) {
  const Parent parent = TRY(walk_to_parent(context, from, path));
  if (parent.name.empty()) return Errno(EBUSY);
  if (parent.name == ".") return Errno(EINVAL);
  if (parent.name == "..") return Errno(ENOTEMPTY);
  if (parent.name.size() > kNameMax) return Errno(ENAMETOOLONG);
  return remove(context, parent, true);
}

Result<void> rename(const WalkContext& context, const WalkFrom& old_from, std::string_view old_path,
                    const WalkFrom& new_from, std::string_view new_path, unsigned flags) {
  if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) != 0) return Errno(EINVAL);
  if ((flags & RENAME_EXCHANGE) != 0 && flags != RENAME_EXCHANGE) return Errno(EINVAL);
  if ((flags & RENAME_WHITEOUT) != 0 && !context.credentials->has(CAP_MKNOD)) return Errno(EPERM);
  const Parent from = TRY(walk_to_parent(context, old_from, old_path));
  const Parent to = TRY(walk_to_parent(context, new_from, new_path));
  return Rename(context, from, to, flags).run();
}

}  // namespace runsc
