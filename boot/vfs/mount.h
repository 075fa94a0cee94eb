// Mounts and mount namespaces (mount_namespaces(7)).
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boot/base/lock.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

// A file system, or a subtree of one (bind mount), shown at a place of a mount namespace.
class Mount : public std::enable_shared_from_this<Mount> {
 public:
  // `flags` are MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME ... of mount(2); `source` is what /proc/mounts
  // names as the device.
  Mount(int id, FileSystemPtr file_system, DentryPtr root, unsigned long flags, std::string source);

  int id() const { return id_; }
  const DentryPtr& root() const { return root_; }
  FileSystem& file_system() const { return *file_system_; }
  const FileSystemPtr& file_system_ptr() const { return file_system_; }
  const std::string& source() const { return source_; }
  unsigned long flags() const { return flags_.load(std::memory_order_relaxed); }
  void set_flags(unsigned long flags) { flags_.store(flags, std::memory_order_relaxed); }
  bool read_only() const;

  // Where it is mounted; empty for the root of a namespace and after umount. Changes under the mount tree lock.
  VfsPath mount_point() const;

 private:
  friend class MountNamespace;
  int id_;
  FileSystemPtr file_system_;
  DentryPtr root_;
  std::atomic<unsigned long> flags_;
  std::string source_;
  Guarded<VfsPath, LockLevel::kLeaf> mount_point_;
};

// Thread-safe.
class MountNamespace : public std::enable_shared_from_this<MountNamespace> {
 public:
  explicit MountNamespace(FileSystemPtr root, unsigned long flags, std::string source);

  MountPtr root() const;
  VfsPath root_path() const;
  // Mounts `root` of a file system on `where` (covering what is there). Returns the mount. ENOENT: `where` was deleted.
  Result<MountPtr> mount(const VfsPath& where, FileSystemPtr file_system, DentryPtr root, unsigned long flags,
                         std::string source);
  Result<MountPtr> mount(const VfsPath& where, FileSystemPtr file_system, unsigned long flags, std::string source);
  // mount(2) MS_BIND of `what` (with its submounts when `recursive`) on `where`.
  Result<MountPtr> bind(const VfsPath& what, const VfsPath& where, unsigned long flags, bool recursive);
  // umount2(2); `path` is the root of the mount. EINVAL: not a mount point, or the root; EBUSY: submounts, without
  // MNT_DETACH.
  Result<void> unmount(const VfsPath& path, int flags);
  // The topmost mount on `path`, or null.
  MountPtr mounted_on(const VfsPath& path) const;
  // All mounts, parents first, for /proc/mounts.
  std::vector<MountPtr> list() const;
  // CLONE_NEWNS. Paths of `translate` are moved to their copies in the new namespace.
  std::shared_ptr<MountNamespace> copy(std::vector<VfsPath*> translate) const;

 private:
  struct Tree {
    MountPtr root;
    std::vector<MountPtr> mounts;  // parents first
  };
  Guarded<Tree, LockLevel::kMountTree> tree_;
};
using MountNamespacePtr = std::shared_ptr<MountNamespace>;

}  // namespace runsc
