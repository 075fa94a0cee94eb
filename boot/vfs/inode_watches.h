// inotify(7) watches of an inode, and the hooks that tell them what happens to it. The inotify descriptor itself is
// boot/fs/anon's.
#pragma once

#include <sys/inotify.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "boot/base/lock.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

class FileDescription;
class FileSystem;

// One watch that an inotify instance keeps on one inode. It decides itself which events it wants.
class InodeWatch {
 public:
  virtual ~InodeWatch() = default;
  // The inotify instance, so that a second inotify_add_watch(2) finds the first one's watch.
  virtual const void* owner() const = 0;
  // `mask`: IN_* bits, with IN_ISDIR where it applies. `name`: of the child, when the inode is the directory in which
  // it happened; empty for the inode itself. Called without locks, from any thread.
  virtual void notify(std::uint32_t mask, std::uint32_t cookie, std::string_view name) = 0;
};
using InodeWatchPtr = std::shared_ptr<InodeWatch>;

// Thread-safe.
class InodeWatches {
 public:
  explicit InodeWatches(FileSystem& file_system) : file_system_(file_system) {}
  ~InodeWatches();

  void add(InodeWatchPtr watch);
  // No call of notify() begins after it returned; one may still be under way.
  void remove(const InodeWatch& watch);
  // The watch of `owner`; null if there is none.
  InodeWatchPtr find(const void* owner) const;
  bool empty() const { return count_.load(std::memory_order_relaxed) == 0; }
  void notify(std::uint32_t mask, std::uint32_t cookie, std::string_view name);

 private:
  FileSystem& file_system_;
  std::atomic<int> count_{0};
  Guarded<std::vector<InodeWatchPtr>, LockLevel::kLeaf> watches_;
};

// Tells the watches of the object (no name) and of its directory (with its name) about an event on the object itself:
// IN_ACCESS, IN_MODIFY, IN_ATTRIB, IN_OPEN, IN_CLOSE_*. Costs one load when the file system has no watch.
void notify_object(Dentry& dentry, std::uint32_t mask);
// The same for an open file; does nothing for objects without a path.
void notify_file(FileDescription& file, std::uint32_t mask);
// An event about a name in a directory: IN_CREATE, IN_DELETE, IN_MOVED_FROM, IN_MOVED_TO. `is_directory` adds IN_ISDIR.
void notify_name(Dentry& directory, std::string_view name, bool is_directory, std::uint32_t mask,
                 std::uint32_t cookie = 0);
// An event that only the object itself hears of: IN_DELETE_SELF, IN_MOVE_SELF, IN_UNMOUNT.
void notify_self(Dentry& dentry, std::uint32_t mask);

}  // namespace runsc
