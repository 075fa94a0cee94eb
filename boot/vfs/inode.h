// Inode: one object of a file system. What boot/fs/<name> implements.
//
// The functions below are called by boot/vfs after it has resolved the path, checked permissions, read-only mounts,
// name lengths, and for what must (not) exist; a file system checks only what it alone knows. The defaults answer as
// Linux does for file systems that lack the operation. Inodes are thread-safe.
#pragma once

#include <sys/vfs.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/kernel/credentials.h"
#include "boot/vfs/attributes.h"
#include "boot/vfs/open_flags.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

class CurrentTask;
class Dentry;
class DentryCache;
class FileDescription;
class FileLeases;
class FileLocks;
class FileSystem;
class Inode;
class InodeWatches;
struct InodeCommons;
using FilePtr = std::shared_ptr<FileDescription>;
using InodePtr = std::shared_ptr<Inode>;

// Owner and permissions of a new file: umask and setgid inheritance are already applied.
struct NewFile {
  std::uint32_t mode = 0;  // permissions; for mknod with the type
  Uid uid{};
  Gid gid{};
};

enum class CachePolicy {
  kStable,      // names change only through this kernel: cached, negative entries too
  kRevalidate,  // Inode::revalidate_child() is asked before a cached name is used
  kNever,       // every lookup asks the file system (process directories)
};

class Inode : public std::enable_shared_from_this<Inode> {
 public:
  explicit Inode(FileSystem& file_system);
  virtual ~Inode();
  Inode(const Inode&) = delete;
  Inode& operator=(const Inode&) = delete;

  FileSystem& file_system() const { return file_system_; }

  virtual Result<FileAttributes> attributes() = 0;
  // FileAttributes::mode, for who needs no more: asked before each write, so a file system may know a cheaper way.
  virtual Result<std::uint32_t> mode();
  // The file type bits (S_IFMT) only; never changes, so that it is cheap.
  virtual std::uint32_t type() const = 0;
  virtual Result<void> set_attributes(const AttributeChange& change);  // EPERM
  // access(2)-like check of MAY_READ | MAY_WRITE | MAY_EXEC (permissions.h); the default uses attributes().
  virtual Result<void> check_permission(const Credentials& credentials, int may);

  // Directories. `name` is one component, never "." or "..".
  virtual CachePolicy cache_policy() const { return CachePolicy::kStable; }
  // For kRevalidate: whether the cached child (null: negative) still is what `name` means.
  virtual bool revalidate_child(std::string_view name, const InodePtr& child);
  virtual Result<InodePtr> lookup(std::string_view name);  // ENOENT, ENOTDIR
  // Looks up names[0] here, names[1] in that, ... in one go, as far as directories go that are not kNever. A null at
  // the end says that this name does not exist; fewer results than names say nothing about the rest. ENOENT: names[0]
  // does not exist. The default looks up one after another.
  virtual Result<std::vector<InodePtr>> lookup_path(std::span<const std::string_view> names);
  virtual Result<InodePtr> create(std::string_view name, const NewFile& file);  // O_CREAT of a regular file
  virtual Result<InodePtr> make_directory(std::string_view name, const NewFile& file);
  virtual Result<InodePtr> make_node(std::string_view name, const NewFile& file, std::uint64_t rdev);
  virtual Result<InodePtr> make_symlink(std::string_view name, const NewFile& file, std::string_view target);
  virtual Result<void> make_link(std::string_view name, const InodePtr& target);
  virtual Result<InodePtr> make_unnamed(const NewFile& file);  // O_TMPFILE; EOPNOTSUPP
  virtual Result<void> unlink(std::string_view name, const InodePtr& child);
  virtual Result<void> remove_directory(std::string_view name, const InodePtr& child);  // ENOTEMPTY
  // RENAME_NOREPLACE was checked by the caller; `flags` may hold RENAME_EXCHANGE or RENAME_WHITEOUT (EINVAL if the file
  // system cannot). `replaced` is null when the new name did not exist.
  virtual Result<void> rename(std::string_view old_name, const InodePtr& child, const InodePtr& new_directory,
                              std::string_view new_name, const InodePtr& replaced, unsigned flags);

  // Symbolic links.
  virtual Result<std::string> read_link();  // EINVAL
  // The text that `task` reads, where that depends on who asks (/proc/self).
  virtual Result<std::string> read_link_for(CurrentTask& task);
  // Links that lead to an object and not to a name, such as /proc/self/fd/3. A path with a null mount: not one.
  virtual Result<VfsPath> follow_magic_link(CurrentTask& task);

  // Opens what this inode is; permission was checked. `path` is where it was found. FIFOs, devices and sockets of any
  // file system are opened by boot/vfs itself (special_files.h), never through this function, unless the inode says
  // that it opens itself whatever its type (the sandbox's own terminals and pipes). ELOOP for symlinks.
  virtual bool opens_itself() const { return false; }
  virtual Result<FilePtr> open(const VfsPath& path, OpenFlags flags);

  virtual Result<std::vector<std::byte>> get_xattr(std::string_view name);  // EOPNOTSUPP; ENODATA
  virtual Result<void> set_xattr(std::string_view name, std::span<const std::byte> value, int flags);
  virtual Result<void> remove_xattr(std::string_view name);
  virtual Result<std::vector<std::string>> list_xattrs();

  // flock(2) and fcntl(2) locks, inotify(7) watches: made on first use.
  FileLocks& locks();
  bool has_locks() const;  // false: locks() was never called
  InodeWatches& watches();
  bool has_watches() const;
  FileLeases& leases();
  bool has_leases() const;

  // Who uses a regular file how: kept by FileClaim.
  struct Claims {
    std::atomic<int> writers{0};  // open files that may write; negative: programs that run it
    std::atomic<int> readers{0};  // other open files
  };
  Claims& claims() { return claims_; }
  // What a Unix socket bound to this inode, or a FIFO, attaches: the first caller's object stays. The type is known
  // from type(). Held weakly for sockets by the object itself.
  std::shared_ptr<void> attachment();
  std::shared_ptr<void> attach_once(std::shared_ptr<void> object);
  void detach(const std::shared_ptr<void>& object);

 protected:
  // Locks and attachment: asked for on their first use. Null: the inode's own.
  virtual std::shared_ptr<InodeCommons> shared_commons();

 private:
  struct Extras;
  Extras& extras();

  FileSystem& file_system_;
  std::atomic<Extras*> extras_{nullptr};  // made by extras()
  Claims claims_;
};

// One mounted instance of a file system. Owned by the mounts that show it and by nothing else; inodes are gone before.
class FileSystem : public std::enable_shared_from_this<FileSystem> {
 public:
  FileSystem();
  virtual ~FileSystem();
  FileSystem(const FileSystem&) = delete;
  FileSystem& operator=(const FileSystem&) = delete;

  virtual std::string_view type_name() const = 0;  // as in /proc/mounts
  virtual InodePtr root() = 0;
  virtual Result<struct statfs> statistics() = 0;
  // Options of this instance as /proc/mounts shows them, without rw/ro and without a leading comma.
  virtual std::string show_options() const { return {}; }
  virtual Result<void> sync() { return {}; }
  // mount(2) with MS_REMOUNT: new options of the instance. EINVAL.
  virtual Result<void> remount(std::string_view options) { return options.empty() ? Result<void>() : Errno(EINVAL); }

  // An unnamed device number of its own (major 0), as st_dev.
  std::uint64_t device() const { return device_; }

  // For boot/vfs: the dentries kept in memory, the lock under which directories change places, how many mounts show
  // this file system, and how many inotify watches lie on its inodes.
  DentryCache& dentry_cache() { return *dentry_cache_; }
  Mutex<LockLevel::kRename>& rename_lock() { return rename_lock_; }
  void add_mount();
  void remove_mount();
  std::atomic<int> watch_count{0};

 private:
  std::uint64_t device_;
  std::unique_ptr<DentryCache> dentry_cache_;
  Mutex<LockLevel::kRename> rename_lock_;
  std::atomic<int> mount_count_{0};
  friend class Dentry;
  Guarded<std::weak_ptr<Dentry>, LockLevel::kLeaf> root_dentry_;
};
using FileSystemPtr = std::shared_ptr<FileSystem>;

}  // namespace runsc
