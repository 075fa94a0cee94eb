// What all inodes of tmpfs have: owner, permissions, times, link count, extended attributes.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "boot/fs/tmpfs/tmpfs_file_system.h"
#include "boot/vfs/inode.h"

namespace runsc {

class TmpfsInode : public Inode {
 public:
  // `mode` with the type. The caller has taken one inode from the quota; the destructor gives it back.
  TmpfsInode(TmpfsFileSystem& file_system, const NewFile& file, std::uint32_t type, std::uint32_t links);
  ~TmpfsInode() override;

  TmpfsFileSystem& tmpfs() const { return static_cast<TmpfsFileSystem&>(file_system()); }
  std::uint64_t number() const { return number_; }

  Result<FileAttributes> attributes() override;
  std::uint32_t type() const override { return type_; }
  Result<void> set_attributes(const AttributeChange& change) final;
  Result<void> check_permission(const Credentials& credentials, int may) override;

  Result<std::vector<std::byte>> get_xattr(std::string_view name) override;
  Result<void> set_xattr(std::string_view name, std::span<const std::byte> value, int flags) override;
  Result<void> remove_xattr(std::string_view name) override;
  Result<std::vector<std::string>> list_xattrs() override;

  // Directory operations of the parent. A negative delta that ends at 0 frees nothing: users do.
  void change_links(int delta);

 protected:
  struct Meta {
    std::uint32_t links;
    timespec access_time, modify_time, change_time, birth_time;
    std::map<std::string, std::vector<std::byte>, std::less<>> xattrs;
    std::size_t xattr_bytes = 0;
  };
  // Derived classes add what they have (size, blocks, rdev); the inode is locked.
  virtual void fill(FileAttributes&) {}
  // Of regular files; the inode is locked.
  virtual Result<void> resize_locked(std::uint64_t) { return Errno(EINVAL); }
  // Called after that, without the lock.
  virtual void resized() {}

  static timespec now();
  static void touch(Meta& meta) { meta.modify_time = meta.change_time = now(); }

  // Guards what derived classes have, too.
  Guarded<Meta, LockLevel::kInode> meta_;

 private:
  Result<void> apply(const AttributeChange& change);

  const std::uint64_t number_;
  const std::uint32_t type_;
  // Atomic, so that permission checks of the path walk take no lock; written with the inode locked.
  std::atomic<std::uint32_t> permissions_;
  std::atomic<std::uint32_t> uid_, gid_;
};

class TmpfsSymlink : public TmpfsInode {
 public:
  TmpfsSymlink(TmpfsFileSystem& file_system, const NewFile& file, std::string_view target)
      : TmpfsInode(file_system, file, S_IFLNK, 1), target_(target) {}
  Result<std::string> read_link() override { return target_; }

 private:
  void fill(FileAttributes& file) override { file.size = target_.size(); }
  const std::string target_;
};

// Devices, FIFOs and sockets.
class TmpfsSpecial : public TmpfsInode {
 public:
  TmpfsSpecial(TmpfsFileSystem& file_system, const NewFile& file, std::uint64_t rdev)
      : TmpfsInode(file_system, file, file.mode & S_IFMT, 1), rdev_(rdev) {}

 private:
  void fill(FileAttributes& file) override { file.rdev = rdev_; }
  const std::uint64_t rdev_;
};

}  // namespace runsc
