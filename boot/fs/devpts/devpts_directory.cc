#include "boot/fs/devpts/devpts_directory.h"

#include <dirent.h>

#include "boot/vfs/dentry.h"

namespace runsc {
namespace {

std::uint64_t inode_number(const InodePtr& inode) {
  const auto file = inode ? inode->attributes() : Errno(ENOENT);
  return file.ok() ? file->inode : 1;
}

// Positions: 0 ".", 1 "..", 2 "ptmx", then 3 + index, so that nodes that come and go move no other.
class OpenDirectory : public FileDescription {
 public:
  using FileDescription::FileDescription;

  Result<void> read_directory(DirectorySink& sink) override {
    const auto directory = std::static_pointer_cast<DevptsDirectory>(inode());
    auto position = position_.lock();
    const auto add = [&](std::string_view name, const InodePtr& inode, std::uint64_t at) {
      const auto type = static_cast<std::uint8_t>(inode->type() >> 12);  // DT_* is S_IFMT >> 12
      if (!sink.add(name, inode_number(inode), type, static_cast<std::int64_t>(at + 1))) return false;
      position->offset = at + 1;
      return true;
    };
    const DentryPtr parent = path().dentry->parent();
    const InodePtr above = parent ? parent->inode() : directory;
    if (position->offset == 0 && !add(".", directory, 0)) return {};
    if (position->offset == 1 && !add("..", above, 1)) return {};
    if (position->offset == 2 && !add("ptmx", TRY(directory->lookup("ptmx")), 2)) return {};
    for (const unsigned index : directory->devpts().indices()) {
      if (index + 3 < position->offset) continue;
      const std::string name = std::to_string(index);
      const Result<InodePtr> node = directory->lookup(name);
      if (node.ok() && !add(name, *node, index + 3)) return {};
    }
    return {};
  }

  Result<std::int64_t> seek(std::int64_t offset, int whence) override {
    auto position = position_.lock();
    if (whence == SEEK_CUR && offset == 0) return static_cast<std::int64_t>(position->offset);
    if (whence != SEEK_SET || offset < 0) return Errno(EINVAL);
    position->offset = static_cast<std::uint64_t>(offset);
    return offset;
  }
};

}  // namespace

bool DevptsDirectory::revalidate_child(std::string_view name, const InodePtr& child) {
  const Result<InodePtr> now = lookup(name);
  return (now.ok() ? *now : nullptr) == child;
}

Result<FilePtr> DevptsDirectory::open(const VfsPath& path, OpenFlags flags) {
  return FilePtr(std::make_shared<OpenDirectory>(path, flags));
}

}  // namespace runsc
