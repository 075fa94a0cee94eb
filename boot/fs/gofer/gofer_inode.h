// One file of a gofer.
#pragma once

#include <memory>

#include "boot/base/lock.h"
#include "boot/fs/gofer/gofer_file_system.h"
#include "boot/vfs/inode.h"

namespace runsc {

class GoferInode : public Inode {
 public:
  GoferInode(GoferFileSystem& file_system, gofer::RemoteNode node);
  ~GoferInode() override;

  std::uint32_t type() const override { return type_; }
  Result<FileAttributes> attributes() override;
  Result<void> set_attributes(const AttributeChange& change) override;

  CachePolicy cache_policy() const override;
  bool revalidate_child(std::string_view name, const InodePtr& child) override;
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
  Result<std::string> read_link() override;
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;
  Result<std::vector<std::byte>> get_xattr(std::string_view name) override;
  Result<void> set_xattr(std::string_view name, std::span<const std::byte> value, int flags) override;
  Result<void> remove_xattr(std::string_view name) override;
  Result<std::vector<std::string>> list_xattrs() override;

  // The same host file, whatever the handle.
  bool same_file(const gofer::FileAttributes& attributes) const;
  // What names this node to the gofer.
  const gofer::RemoteHandle& remote() const;
  GoferFileSystem& gofer() const;
  // After a change of what the host keeps: the next attributes() asks again.
  void invalidate();
  // A descriptor for reading or for both; opened if necessary.
  Result<DonatedFilePtr> host_file(bool writable);

 private:
  friend class GoferFileSystem;
  struct State {
    gofer::FileAttributes attributes;
    bool valid = true;
    std::string link_target;  // of a symlink, once read: it never changes
    std::weak_ptr<const DonatedFile> readable, writable;
  };

  FileAttributes translate(const gofer::FileAttributes& from) const;
  gofer::NodeOwner owner_of(const NewFile& file) const;
  InodePtr adopt(gofer::RemoteNode node);
  Result<InodePtr> adopt_created(gofer::CreateResult created);
  DonatedFilePtr remember(State& state, UniqueFd descriptor, bool writable);
  // Sizes and times as the host has them now, through an open descriptor.
  static void refresh_from_descriptor(State& state, const DonatedFile& file);

  gofer::RemoteHandle handle_;
  const std::uint32_t type_;
  const std::uint64_t device_;
  const std::uint64_t inode_;
  Guarded<State, LockLevel::kInode> state_;
};

}  // namespace runsc
