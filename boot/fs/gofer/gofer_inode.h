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
  Result<std::uint32_t> mode() override;
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
  // After a change of what the host keeps, done or failed: the next attributes() asks again, and one that is asking
  // just now keeps its answer to itself.
  void invalidate();
  // A descriptor for reading or for both; opened if necessary.
  Result<DonatedFilePtr> host_file(bool writable);

 private:
  friend class GoferFileSystem;
  struct State {
    gofer::FileAttributes attributes;
    bool valid = true;
    // Shared mounts: of a directory, when the attributes were asked for (HostChanges).
    std::optional<std::uint64_t> version;
    // Shared mounts, of others: the attributes hold for as long as the change time does (change_time.h).
    bool settled = false;
    std::uint64_t changes = 0;  // counts invalidate()
    // A writable descriptor was given out since the attributes came: they hold only while it can be asked.
    bool writable_given = false;
    std::string link_target;  // of a symlink, once read: it never changes
    std::weak_ptr<const DonatedFile> readable, writable;
    std::weak_ptr<const DonatedFile> held;  // O_PATH; shared mounts only, and no directories
  };

  FileAttributes translate(const gofer::FileAttributes& from) const;
  gofer::NodeOwner owner_of(const NewFile& file) const;
  InodePtr adopt(gofer::RemoteNode node);
  // As adopt, for the nodes that a walk has found; negative at the end when the next one does not exist.
  // `asked`: file_clock() before the walk.
  std::vector<InodePtr> adopt_walked(gofer::WalkResult found, const timespec& asked);
  Result<InodePtr> adopt_created(gofer::CreateResult created);
  // A new entry of this directory, by a call that returns a RemoteNode.
  template <typename Make>
  Result<InodePtr> adopt_made(std::string_view name, Make&& make);
  Result<void> unlink_entry(std::string_view name, bool is_directory);
  InodeCommonsPtr shared_commons() override;
  DonatedFilePtr remember(State& state, UniqueFd descriptor, bool writable);
  // As the host has it now, through whatever descriptor there is.
  static std::optional<struct stat> look(const State& state);
  // What does not depend on the user namespace of who looks: in the boot process's own every owner is nobody.
  static void refresh(gofer::FileAttributes& attributes, const struct stat& now);
  // New attributes of an inode of a shared mount that is no directory.
  void learn(const gofer::FileAttributes& fresh, const timespec& asked);
  // A name of this file was removed: descriptors that nobody uses must not keep its blocks.
  void name_removed();
  // Of an exclusive mount: whether the attributes in the cache are true; brings them up to date where that costs no
  // round trip.
  static bool cached_are_true(State& state);

  Result<FileAttributes> exclusive_attributes();
  Result<FileAttributes> shared_attributes();
  Result<FileAttributes> shared_directory_attributes();
  // Keeps a way to look at this inode's attributes without a question.
  void hold(UniqueFd descriptor);
  bool is_shared() const { return gofer().caching() == GoferCaching::kShared; }

  gofer::RemoteHandle handle_;
  const std::uint32_t type_;
  const std::uint64_t device_;
  const std::uint64_t inode_;
  const std::int32_t watch_;  // of a directory: HostChanges; 0: none
  Guarded<State, LockLevel::kInode> state_;
};

}  // namespace runsc
