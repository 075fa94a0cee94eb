// Dentry: a name in a directory, cached. The tree of dentries of one file system.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "boot/base/lock.h"
#include "boot/vfs/inode.h"

namespace runsc {

// A dentry without inode is negative: the name is known not to exist. A dentry's inode never changes except from
// negative to positive (creation). Children hold their parent; a parent finds its children but does not hold them:
// they live as long as somebody uses them or the file system's DentryCache keeps them. Thread-safe; parent and name
// change only under the file system's rename lock.
//
// The lock of a directory (lock_directory()) makes looking up an uncached name, and changing names, exclusive, so that
// the cache never disagrees with the file system. Cached names are found without it.
class Dentry : public std::enable_shared_from_this<Dentry> {
 public:
  // A tree of its own around `inode`.
  static DentryPtr make_root(FileSystemPtr file_system, InodePtr inode);
  // The root of a file system: the same for all its mounts.
  static DentryPtr root_of(const FileSystemPtr& file_system);
  // A place below `parent` that no name leads to: O_TMPFILE.
  static DentryPtr make_deleted(const DentryPtr& parent, std::string_view name, InodePtr inode);
  ~Dentry();
  Dentry(const Dentry&) = delete;
  Dentry& operator=(const Dentry&) = delete;

  InodePtr inode() const;  // null when negative
  // The same, borrowed for as long as the caller holds the dentry.
  Inode* inode_pointer() const { return published_inode_.load(std::memory_order_acquire); }
  bool negative() const { return inode_pointer() == nullptr; }
  DentryPtr parent() const;  // null for a root
  std::string name() const;
  FileSystem& file_system() const { return *file_system_; }
  const FileSystemPtr& file_system_ptr() const { return file_system_; }

  // Unlinked or removed while it was in use: still has its inode, but no name leads to it.
  bool deleted() const { return deleted_.load(std::memory_order_acquire); }

  // The child called `name`, from the cache or from the file system, as cache_policy() says; may be negative.
  // Errors other than ENOENT are the file system's. The caller does not hold the directory's lock. It is find(), then
  // look_up().
  Result<DentryPtr> child(std::string_view name);
  // The cached child when the cache policy lets it be used; null otherwise. The dentry is positive.
  DentryPtr find(std::string_view name);
  // Asks the file system about names[0]; what it tells on the way about names[1] in names[0] .. is cached too. `names`
  // is not empty.
  Result<DentryPtr> look_up(std::span<const std::string_view> names);
  // Only what is cached; null when it is not.
  DentryPtr cached_child(std::string_view name) const;

  using DirectoryLock = std::unique_lock<Mutex<LockLevel::kDirectory>>;
  DirectoryLock lock_directory() { return DirectoryLock(directory_lock_); }
  // child() for a caller that holds the directory's lock.
  Result<DentryPtr> child_locked(std::string_view name);

  // After a successful operation of the inode: the tree follows. The directories are locked by the caller;
  // the last two need the rename lock, too.
  DentryPtr add_child(std::string_view name, InodePtr inode);
  void remove_child(const DentryPtr& child);
  // What had the new name before is marked as deleted.
  void move_child(const DentryPtr& child, const DentryPtr& new_parent, std::string_view new_name);
  void exchange_children(const DentryPtr& child, const DentryPtr& other_parent, const DentryPtr& other);
  // Forgets a cached child whose name the file system gave to another object by itself. Users of the child keep it.
  void drop_child(const DentryPtr& child);

  // A file that was opened with O_TMPFILE and O_EXCL: link(2) shall never give it a name.
  std::atomic<bool> never_named{false};

  // How many mounts have this dentry as their mount point; the path walk looks for mounts only where it is not 0.
  std::atomic<int> mounted_here{0};

  // Drops cached dentries of the file system that nothing else refers to, down to `keep`.
  void shrink(std::size_t keep);

 private:
  friend class DentryCache;
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const { return std::hash<std::string_view>()(name); }
  };
  // A child removes itself before it ends.
  using Children = std::unordered_map<std::string, Dentry*, NameHash, std::equal_to<>>;
  struct Place {
    DentryPtr parent;
    std::string name;
  };

  Dentry(FileSystemPtr file_system, DentryPtr parent, std::string_view name, InodePtr inode);
  Result<DentryPtr> child_from_file_system(std::span<const std::string_view> names);
  DentryPtr attach(std::string_view name, InodePtr inode);
  void publish(InodePtr inode);
  void erase_from_children(std::string_view name, const Dentry* child);
  void note_use() {
    if (!used_.load(std::memory_order_relaxed)) used_.store(true, std::memory_order_relaxed);
  }

  FileSystemPtr file_system_;  // ends last: inodes need it
  Guarded<Place, LockLevel::kLeaf> place_;
  InodePtr inode_;  // written once, before published_inode_
  std::atomic<Inode*> published_inode_{nullptr};
  std::atomic<bool> deleted_{false};
  std::atomic<bool> used_{true};  // since the cache looked last
  Mutex<LockLevel::kDirectory> directory_lock_;
  Guarded<Children, LockLevel::kDentry> children_;
  // Where the cache lists it; guarded by the cache's lock.
  bool listed_ = false;
  std::list<DentryPtr>::iterator listed_at_;
};

// Keeps recently used dentries of one file system alive, at most `limit` (a clock). Thread-safe.
class DentryCache {
 public:
  static constexpr std::size_t kDefaultLimit = 8192;
  explicit DentryCache(std::size_t limit) : state_(State{.limit = limit}) {}

  // For a file system whose names come and go by themselves (processes), before it is mounted.
  void set_limit(std::size_t limit) { state_.lock()->limit = limit; }

  // Closed when no mount shows the file system any more: then it keeps nothing.
  void open();
  void close();
  void add(const DentryPtr& dentry);
  void remove(Dentry& dentry);
  void shrink(std::size_t keep);
  std::size_t size() const { return state_.lock()->dentries.size(); }

 private:
  struct State {
    std::size_t limit;
    bool open = false;
    std::list<DentryPtr> dentries = {};
  };
  // Moves what must go to `dropped`, which the caller destroys without the lock.
  static void evict(State& state, std::size_t keep, std::list<DentryPtr>& dropped);

  Guarded<State, LockLevel::kLeaf> state_;
};

}  // namespace runsc
