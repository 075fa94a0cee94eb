#include "boot/vfs/open_file_inode.h"

#include "boot/vfs/mount.h"

namespace runsc {
namespace {

// Holds nothing; inodes need some file system.
class OpenFileSystem : public FileSystem {
 public:
  std::string_view type_name() const override { return "anon"; }
  InodePtr root() override { return nullptr; }
  Result<struct statfs> statistics() override {
    struct statfs stats {};
    stats.f_bsize = stats.f_frsize = 4096;
    stats.f_namelen = 255;
    return stats;
  }
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
  const auto file_system = std::make_shared<OpenFileSystem>();
  const auto inode = std::make_shared<OpenFileInode>(*file_system, std::move(file), type);
  const DentryPtr dentry = Dentry::make_root(file_system, inode);
  return VfsPath{std::make_shared<Mount>(0, file_system, dentry, 0, "none"), dentry};
}

}  // namespace runsc
