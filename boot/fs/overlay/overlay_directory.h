// Directories of the overlay: the names of the lower directory, minus whiteouts, plus what was made here.
#pragma once

#include <map>
#include <string>

#include "boot/fs/overlay/overlay_inode.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// boot/vfs keeps names from changing under an operation. A directory without a lower part is what overlayfs calls
// opaque; renamed directories keep their lower part, so that nothing below them needs copying.
class OverlayDirectory : public OverlayInode {
 public:
  OverlayDirectory(OverlayFileSystem& file_system, Origin origin)
      : OverlayInode(file_system, S_IFDIR, std::move(origin)) {}
  ~OverlayDirectory() override;

  Result<InodePtr> lookup(std::string_view name) override;
  Result<std::vector<InodePtr>> lookup_path(std::span<const std::string_view> names) override;
  Result<InodePtr> create(std::string_view name, const NewFile& file) override;
  Result<InodePtr> make_directory(std::string_view name, const NewFile& file) override;
  Result<InodePtr> make_node(std::string_view name, const NewFile& file, std::uint64_t rdev) override;
  Result<InodePtr> make_symlink(std::string_view name, const NewFile& file, std::string_view target) override;
  Result<void> make_link(std::string_view name, const InodePtr& target) override;
  Result<InodePtr> make_unnamed(const NewFile& file) override;
  Result<void> unlink(std::string_view name, const InodePtr& child) override;
  Result<void> remove_directory(std::string_view name, const InodePtr& child) override;
  Result<void> rename(std::string_view old_name, const InodePtr& child, const InodePtr& new_directory,
                      std::string_view new_name, const InodePtr& replaced, unsigned flags) override;
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;

  struct Listed {
    std::string name;
    std::uint64_t inode;
    std::uint8_t type;
  };
  // All names but "." and "..".
  Result<std::vector<Listed>> list();

  // With the tree lock: from now on `name` is `child`.
  void keep_child(const OverlayFileSystem::TreeLock& tree, const std::string& name,
                  std::shared_ptr<OverlayInode> child);
  void keep_as_root() { root_ = true; }

 private:
  // A name about which the lower directory does not have the last word.
  struct Entry {
    std::shared_ptr<OverlayInode> node;  // null: a whiteout
    bool hides_lower = false;            // the lower directory has that name, too
  };

  void fill(FileAttributes& file) override;
  // An object of the lower layer as this directory's child.
  InodePtr wrap(InodePtr lower, const std::shared_ptr<OverlayDirectory>& parent, std::string_view name) const;
  std::shared_ptr<OverlayDirectory> self() { return std::static_pointer_cast<OverlayDirectory>(shared_from_this()); }
  // Gives a name to an object that has none there. ENOENT: this directory was removed.
  Result<void> add(std::string_view name, std::shared_ptr<OverlayInode> node);
  // Takes a name away: a whiteout if the lower directory has it.
  void take(const OverlayFileSystem::TreeLock& tree, std::string_view name);
  void put(const OverlayFileSystem::TreeLock& tree, std::string_view name, std::shared_ptr<OverlayInode> node,
           bool lower_has_it);
  // Whether the lower directory has the name, given that it exists in the overlay.
  bool hidden_or_lower(const OverlayFileSystem::TreeLock& tree, std::string_view name) const;
  // Marks an empty directory as removed. ENOTEMPTY.
  Result<void> retire();
  // The times of a directory whose names changed.
  Result<void> touch();
  template <typename Node, typename... Args>
  Result<InodePtr> make(std::string_view name, const NewFile& file, Args&&... args);

  bool root_ = false;
  // Guarded by the tree lock.
  std::map<std::string, Entry, std::less<>> entries_;
  bool removed_ = false;
};

}  // namespace runsc
