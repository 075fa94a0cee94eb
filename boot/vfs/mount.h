// Mounts and mount namespaces (mount_namespaces(7)).
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "boot/base/lock.h"
#include "boot/kernel/user_namespace.h"
#include "boot/vfs/dentry.h"
#include "boot/vfs/vfs_path.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {

// A file system, or a subtree of one (bind mount), shown at a place of a mount namespace.
class Mount : public std::enable_shared_from_this<Mount> {
 public:
  // `flags` are MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME ... of mount(2); `source` is what /proc/mounts
  // names as the device.
  Mount(int id, FileSystemPtr file_system, DentryPtr root, unsigned long flags, std::string source);
  ~Mount();
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;

  int id() const { return id_; }
  const DentryPtr& root() const { return root_; }
  FileSystem& file_system() const { return *file_system_; }
  const FileSystemPtr& file_system_ptr() const { return file_system_; }
  const std::string& source() const { return source_; }
  unsigned long flags() const { return flags_.load(std::memory_order_relaxed); }
  void set_flags(unsigned long flags) { flags_.store(flags, std::memory_order_relaxed); }
  bool read_only() const;
  // Came into a mount namespace from one that belongs to a more privileged user namespace: can be neither unmounted nor
  // opened up by what does (mount_namespaces(7), "Restrictions on mount namespaces").
  bool locked() const { return locked_.load(std::memory_order_relaxed); }
  void set_locked(bool locked) { locked_.store(locked, std::memory_order_relaxed); }

  // Where it is mounted; empty for the root of a namespace and after umount. Changes under the mount tree lock.
  VfsPath mount_point() const;
  // The mount that covers `dentry` of this mount, or null.
  MountPtr mounted_on(const Dentry& dentry) const;

 private:
  friend class MountNamespace;
  int id_;
  FileSystemPtr file_system_;
  DentryPtr root_;
  std::atomic<unsigned long> flags_;
  std::atomic<bool> locked_{false};
  std::string source_;
  Guarded<VfsPath, LockLevel::kLeaf> mount_point_;
  // By mount point. Several on one place lie on each other's roots. Changes under the mount tree lock.
  Guarded<std::map<const Dentry*, MountPtr>, LockLevel::kLeaf> children_;
};

// Follows mounts that cover `path`, to the topmost one's root.
VfsPath follow_mounts(VfsPath path);

// Thread-safe.
class MountNamespace : public std::enable_shared_from_this<MountNamespace> {
 public:
  // Without `services` the namespace makes its own, empty ones.
  explicit MountNamespace(FileSystemPtr root, unsigned long flags, std::string source,
                          VfsServicesPtr services = nullptr);
  ~MountNamespace();

  VfsServices& services() const { return *services_; }
  const VfsServicesPtr& services_ptr() const { return services_; }

  MountPtr root() const;
  VfsPath root_path() const;
  // Mounts `root` of a file system on `where` (covering what is there). Returns the mount. ENOENT: `where` was deleted;
  // ENOTDIR: only one of both is a directory; EINVAL: `where` lies in another namespace or is not mounted any more.
  Result<MountPtr> mount(const VfsPath& where, FileSystemPtr file_system, DentryPtr root, unsigned long flags,
                         std::string source);
  // The same with the root of the file system.
  Result<MountPtr> mount(const VfsPath& where, FileSystemPtr file_system, unsigned long flags, std::string source);
  // mount(2) MS_BIND of `what` (with its submounts when `recursive`) on `where`. The flags are those of `what`'s mount.
  Result<MountPtr> bind(const VfsPath& what, const VfsPath& where, unsigned long flags, bool recursive);
  // mount(2) MS_MOVE: `what` is the root of a mount. EINVAL; ELOOP: `where` lies in it.
  Result<void> move(const VfsPath& what, const VfsPath& where);
  // umount2(2); `path` is the root of the mount. EINVAL: not a mount point, or the root; EBUSY: submounts, or in use,
  // without MNT_DETACH.
  Result<void> unmount(const VfsPath& path, int flags);
  // pivot_root(2): the mount of `new_root` becomes the root, the old one goes to `put_old`. EINVAL, EBUSY.
  Result<void> pivot(const VfsPath& new_root, const VfsPath& put_old);
  // The topmost mount on `path`, or null.
  MountPtr mounted_on(const VfsPath& path) const;
  // All mounts, parents first, for /proc/mounts.
  std::vector<MountPtr> list() const;
  bool contains(const Mount& mount) const;
  // CLONE_NEWNS by a task of user namespace `owner`. Paths of `translate` are moved to their copies in the new
  // namespace.
  std::shared_ptr<MountNamespace> copy(std::vector<VfsPath*> translate, UserNamespacePtr owner = nullptr) const;
  const UserNamespacePtr& owner() const { return owner_; }

 private:
  struct Tree {
    MountPtr root;
    std::vector<MountPtr> mounts;  // parents first
  };
  explicit MountNamespace(VfsServicesPtr services) : services_(std::move(services)) {}
  MountPtr clone(const Mount& mount, DentryPtr root) const;
  Result<void> check_place(const Tree& tree, const VfsPath& where, const Dentry& root) const;
  static void attach(Tree& tree, const VfsPath& where, const MountPtr& mount);
  // Takes it out of the tree and returns what must be destroyed outside the lock.
  static void connect(const VfsPath& where, const MountPtr& mount);
  static void disconnect(const MountPtr& mount, std::vector<VfsPath>& released);
  static bool below(const Mount& mount, const Mount& ancestor);

  VfsServicesPtr services_;
  UserNamespacePtr owner_;
  Guarded<Tree, LockLevel::kMountTree> tree_;
};
using MountNamespacePtr = std::shared_ptr<MountNamespace>;

// Whether `dentry` is `ancestor` or lies below it in the tree of names.
bool is_below(const DentryPtr& dentry, const DentryPtr& ancestor);

}  // namespace runsc
