// What all objects of the overlay have in common: two layers, attributes from the upper one once there is one.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "boot/fs/overlay/overlay_file_system.h"
#include "boot/vfs/inode.h"

namespace runsc {

class OverlayDirectory;

// An object has a lower part (unless it was made here), an upper part (once it was changed or made here), or both. The
// upper part is an unnamed regular file of the upper layer whatever the object's type: it keeps owner, permissions,
// times, extended attributes, and the contents of regular files. It appears once (copy-up) and stays.
//
// A directory keeps a child that has changed, and is itself kept by its parent then, up to the root; unchanged objects
// can always be made anew from the lower layer and are kept only by who uses them. Until it is kept, an object knows
// its directory and its name.
class OverlayInode : public Inode {
 public:
  struct Origin {
    InodePtr lower{};                            // null: made here
    std::shared_ptr<OverlayDirectory> parent{};  // null: the root, or made here and kept at once
    std::string name{};
    InodePtr upper{};
  };
  OverlayInode(OverlayFileSystem& file_system, std::uint32_t type, Origin origin);
  ~OverlayInode() override;

  OverlayFileSystem& overlay() const { return static_cast<OverlayFileSystem&>(file_system()); }
  std::uint32_t type() const override { return type_; }
  const InodePtr& lower() const { return lower_; }
  // Null until copy-up.
  InodePtr upper() const { return published_upper_.load(std::memory_order_acquire) != nullptr ? upper_ : nullptr; }

  Result<FileAttributes> attributes() override;
  Result<void> set_attributes(const AttributeChange& change) override;
  Result<void> check_permission(const Credentials& credentials, int may) override;
  Result<std::vector<std::byte>> get_xattr(std::string_view name) override;
  Result<void> set_xattr(std::string_view name, std::span<const std::byte> value, int flags) override;
  Result<void> remove_xattr(std::string_view name) override;
  Result<std::vector<std::string>> list_xattrs() override;

  // Gives the object an upper part, with the first `data_limit` bytes of a regular file's contents. ENOSPC, EIO.
  Result<void> copy_up(std::uint64_t data_limit = ~0ULL);

  // A name was added (1) or removed (-1).
  Result<void> change_links(int delta);

  // With the tree lock: makes its directory keep it.
  void keep(const OverlayFileSystem::TreeLock& tree);
  // With the tree lock: it lies elsewhere now, or nowhere; what comes next is its new directory's business.
  void leave_directory(const OverlayFileSystem::TreeLock& tree);

 protected:
  // Adds what only the type knows.
  virtual void fill(FileAttributes&) {}

 private:
  Inode& source() const;
  Result<void> copy_data(const InodePtr& upper, std::uint64_t limit) const;
  Result<void> copy_xattrs(Inode& upper) const;

  const std::uint32_t type_;
  const InodePtr lower_;
  InodePtr upper_;  // written once, before published_upper_
  std::atomic<Inode*> published_upper_{nullptr};
  std::atomic<std::uint64_t> number_;  // 0: the lower part's
  std::atomic<int> links_;             // -1: the lower part's
  Mutex<LockLevel::kOverlay> copy_up_;
  // Guarded by the tree lock; null once kept or removed.
  std::shared_ptr<OverlayDirectory> parent_;
  std::string name_;
};

// Regular files.
class OverlayFile : public OverlayInode {
 public:
  OverlayFile(OverlayFileSystem& file_system, Origin origin) : OverlayInode(file_system, S_IFREG, std::move(origin)) {}
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;
};

// Symlinks, devices, FIFOs and sockets.
class OverlayOther : public OverlayInode {
 public:
  OverlayOther(OverlayFileSystem& file_system, std::uint32_t type, Origin origin, std::string target = {},
               std::uint64_t rdev = 0)
      : OverlayInode(file_system, type, std::move(origin)), target_(std::move(target)), rdev_(rdev) {}
  Result<std::string> read_link() override;

 private:
  void fill(FileAttributes& file) override;
  const std::string target_;  // of those made here
  const std::uint64_t rdev_;
};

}  // namespace runsc
