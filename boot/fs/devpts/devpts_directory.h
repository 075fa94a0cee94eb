// The root directory of devpts.
#pragma once

#include "boot/fs/devpts/devpts_file_system.h"
#include "boot/vfs/file_description.h"

namespace runsc {

class DevptsDirectory : public DevptsInode {
 public:
  DevptsDirectory(DevptsFileSystem& file_system, const FileAttributes& attributes)
      : DevptsInode(file_system, attributes) {}

  // Nodes come and go by themselves.
  CachePolicy cache_policy() const override { return CachePolicy::kRevalidate; }
  bool revalidate_child(std::string_view name, const InodePtr& child) override;
  Result<InodePtr> lookup(std::string_view name) override { return devpts().lookup(name); }
  Result<FilePtr> open(const VfsPath& path, OpenFlags flags) override;

  DevptsFileSystem& devpts() { return static_cast<DevptsFileSystem&>(file_system()); }
};

}  // namespace runsc
