#include "boot/fs/overlay/overlay_file_system.h"

#include <linux/magic.h>

#include "boot/fs/overlay/overlay_directory.h"

namespace runsc {

OverlayFileSystem::OverlayFileSystem(const FileSystemPtr& lower, const FileSystemPtr& upper)
    : lower_mount_(std::make_shared<Mount>(0, lower, Dentry::root_of(lower), 0, "lower")),
      upper_mount_(std::make_shared<Mount>(0, upper, Dentry::root_of(upper), 0, "upper")),
      upper_root_(upper->root()) {}

std::shared_ptr<OverlayFileSystem> OverlayFileSystem::create(const FileSystemPtr& lower, const FileSystemPtr& upper) {
  InodePtr lower_root = lower->root();
  std::shared_ptr<OverlayFileSystem> overlay(new OverlayFileSystem(lower, upper));
  const auto root = std::make_shared<OverlayDirectory>(*overlay, OverlayInode::Origin{std::move(lower_root)});
  root->keep_as_root();
  overlay->root_ = root;
  return overlay;
}

OverlayFileSystem::~OverlayFileSystem() { root_.reset(); }

Result<FilePtr> OverlayFileSystem::open_in(const MountPtr& mount, const InodePtr& inode, OpenFlags flags) {
  return inode->open({mount, Dentry::make_root(mount->file_system_ptr(), inode)}, flags);
}

// What can be written is the upper layer's. One without limits has no figures; programs that look for free space before
// they write must find some, so they see the lower layer's, next to which the upper one's file may well lie.
Result<struct statfs> OverlayFileSystem::statistics() {
  struct statfs stats = TRY(upper_mount_->file_system().statistics());
  if (stats.f_blocks == 0) stats = TRY(lower_mount_->file_system().statistics());
  stats.f_type = OVERLAYFS_SUPER_MAGIC;
  return stats;
}

}  // namespace runsc
