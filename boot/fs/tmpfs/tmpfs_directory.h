// Directories of tmpfs.
#pragma once

#include <map>
#include <string>
#include <unordered_map>

#include "boot/fs/tmpfs/tmpfs_inode.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// Names are kept from changing under an operation by boot/vfs (the directory's dentry lock), so that each operation
// locks one inode at a time.
class TmpfsDirectory : public TmpfsInode {
 public:
  TmpfsDirectory(TmpfsFileSystem& file_system, const NewFile& file) : TmpfsInode(file_system, file, S_IFDIR, 2) {}
  ~TmpfsDirectory() override;

  Result<InodePtr> lookup(std::string_view name) override;
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

  // Entries with cookies from `cookie` to below `end`, in the order of their making, until `sink` is full. Returns the
  // cookie to go on with.
  std::int64_t list(std::int64_t cookie, std::int64_t end, DirectorySink& sink);
  // Where a listing that begins now ends: what is made meanwhile would make it endless.
  std::int64_t end_cookie();

 private:
  using NodePtr = std::shared_ptr<TmpfsInode>;
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  struct Entry {
    NodePtr node;
    std::int64_t cookie;
  };

  void fill(FileAttributes& file) override;
  // ENOENT when this directory was removed.
  Result<void> insert(std::string_view name, NodePtr node);
  NodePtr take(std::string_view name);
  // Marks an empty directory as removed, so that nothing is made in it any more. ENOTEMPTY.
  Result<void> retire();
  template <typename Node, typename... Args>
  Result<InodePtr> make(std::string_view name, Args&&... args);

  // Guarded by meta_'s lock.
  std::unordered_map<std::string, Entry, NameHash, std::equal_to<>> entries_;
  std::map<std::int64_t, const std::string*> order_;  // the keys of entries_
  std::int64_t next_cookie_ = 2;                      // 0 and 1 are "." and ".."
  bool removed_ = false;
};

}  // namespace runsc
