#include "boot/vfs/open_file_inode.h"

#include <linux/magic.h>

#include "boot/vfs/mount.h"

namespace runsc {
namespace {

// What fstatfs(2) names as the file system of such objects.
long magic_of(std::uint32_t type) {
  if (S_ISFIFO(type)) return PIPEFS_MAGIC;
  return S_ISSOCK(type) ? SOCKFS_MAGIC : ANON_INODE_FS_MAGIC;
}

// Holds nothing; inodes need some file system.
class OpenFileSystem : public FileSystem {
 public:
  explicit OpenFileSystem(std::uint32_t type) : type_(type) {}
  std::string_view type_name() const override { return "anon"; }
  InodePtr root() override { return nullptr; }
  Result<struct statfs> statistics() override {
    struct statfs stats {};
    stats.f_bsize = stats.f_frsize = 4096;
    stats.f_namelen = 255;
    stats.f_type = magic_of(type_);
    return stats;
  }

 private:
  const std::uint32_t type_;
};

class OpenFileInode : public Inode {
 public:
  OpenFileInode(FileSystem& file_system, FilePtr file, std::uint32_t type)
      : Inode(file_system), file_(std::move(file)), type_(type) {}

  Result<FileAttributes> attributes() override { return file_->attributes(); }
  std::uint32_t type() const override { return type_; }
  bool opens_itself() const override { return true; }
  Result<FilePtr> open(const VfsPath&, OpenFlags flags) override { return file_->reopen(flags); }

 private:
  FilePtr file_;
  std::uint32_t type_;
};

}  // namespace

Result<VfsPath> make_place_of_open_file(FilePtr file) {
  const std::uint32_t type = TRY(file->attributes()).type();
  const auto file_system = std::make_shared<OpenFileSystem>(type);
  const auto inode = std::make_shared<OpenFileInode>(*file_system, std::move(file), type);
  const DentryPtr dentry = Dentry::make_root(file_system, inode);
  return VfsPath{std::make_shared<Mount>(0, file_system, dentry, 0, "none"), dentry};
}

}  // namespace runsc
