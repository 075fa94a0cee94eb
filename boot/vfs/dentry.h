// Dentry: a name in a directory, cached. The tree of dentries of one file system.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "boot/base/lock.h"
#include "boot/vfs/inode.h"

namespace runsc {

// A dentry without inode is negative: the name is known not to exist. A dentry's inode never changes except from
// negative to positive (creation) and to removed. Children are owned by their parent's cache, and hold their parent.
// Thread-safe; parent and name change only under the file system's rename lock.
class Dentry : public std::enable_shared_from_this<Dentry> {
 public:
  static DentryPtr make_root(FileSystemPtr file_system, InodePtr inode);
  ~Dentry();

  InodePtr inode() const;  // null when negative
  DentryPtr parent() const;  // null for a root
  std::string name() const;
  FileSystem& file_system() const { return *file_system_; }

  // Unlinked or removed while it was in use: still has its inode, but no name leads to it.
  bool deleted() const { return deleted_.load(std::memory_order_acquire); }

  // The child called `name`, from the cache or from the file system, as cache_policy() says; may be negative.
  // Errors other than ENOENT are the file system's.
  Result<DentryPtr> child(std::string_view name);
  // Only what is cached; null when it is not.
  DentryPtr cached_child(std::string_view name) const;

  // After a successful operation of the inode: the tree follows. `new_parent` etc. need the rename lock.
  DentryPtr add_child(std::string_view name, InodePtr inode);
  void remove_child(const DentryPtr& child);
  void move_child(const DentryPtr& child, const DentryPtr& new_parent, std::string_view new_name);
  void exchange_children(const DentryPtr& child, const DentryPtr& other_parent, const DentryPtr& other);

  // How many mounts have this dentry as their mount point; the path walk looks for mounts only where it is not 0.
  std::atomic<int> mounted_here{0};

  // Drops cached children that nothing refers to, down to `keep` in the whole tree below.
  void shrink(std::size_t keep);

 private:
  struct Place {
    DentryPtr parent;
    std::string name;
    InodePtr inode;
  };
  Dentry(FileSystemPtr file_system, DentryPtr parent, std::string_view name, InodePtr inode);

  FileSystemPtr file_system_;
  std::atomic<bool> deleted_{false};
  Guarded<Place, LockLevel::kLeaf> place_;
  Guarded<std::map<std::string, DentryPtr, std::less<>>, LockLevel::kDentry> children_;
};

}  // namespace runsc
