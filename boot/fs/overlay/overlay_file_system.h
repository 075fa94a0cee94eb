// One instance of the overlay: a read-only lower file system, and what was changed above it, in memory.
#pragma once

#include <atomic>
#include <memory>

#include "boot/base/lock.h"
#include "boot/vfs/inode.h"
#include "boot/vfs/mount.h"

namespace runsc {

class OverlayFileSystem : public FileSystem {
 public:
  // `upper` keeps contents and attributes of changed objects as unnamed files (Inode::make_unnamed() of its root): a
  // tmpfs of its own, whose limits are the overlay's. Both are mounted nowhere else, and nobody else changes `lower`.
  static std::shared_ptr<OverlayFileSystem> create(const FileSystemPtr& lower, const FileSystemPtr& upper);
  ~OverlayFileSystem() override;

  std::string_view type_name() const override { return "overlay"; }
  InodePtr root() override { return root_; }
  Result<struct statfs> statistics() override;
  Result<void> remount(std::string_view) override { return {}; }

  // For its inodes. The names of all directories, and who keeps whom, change under the tree lock; nothing of the layers
  // is called while it is held.
  using TreeLock = std::unique_lock<Mutex<LockLevel::kOverlay>>;
  TreeLock lock_tree() { return TreeLock(tree_); }
  // An unnamed file of the upper layer. ENOSPC.
  Result<InodePtr> make_upper(const NewFile& file) { return upper_root_->make_unnamed(file); }
  // Opens an object of a layer for the overlay's own use.
  Result<FilePtr> open_lower(const InodePtr& inode, OpenFlags flags) const {
    return open_in(lower_mount_, inode, flags);
  }
  Result<FilePtr> open_upper(const InodePtr& inode, OpenFlags flags) const {
    return open_in(upper_mount_, inode, flags);
  }
  // For objects that the lower layer does not have.
  std::uint64_t next_inode() { return next_inode_.fetch_add(1, std::memory_order_relaxed); }

 private:
  OverlayFileSystem(const FileSystemPtr& lower, const FileSystemPtr& upper);
  static Result<FilePtr> open_in(const MountPtr& mount, const InodePtr& inode, OpenFlags flags);

  // Far above the numbers that lower file systems give.
  static constexpr std::uint64_t kFirstInode = 1ULL << 40;

  MountPtr lower_mount_, upper_mount_;  // of the overlay's own (id 0): open files need a place
  InodePtr upper_root_;
  std::atomic<std::uint64_t> next_inode_{kFirstInode};
  Mutex<LockLevel::kOverlay> tree_;
  InodePtr root_;  // ends first
};

}  // namespace runsc
