// Path resolution (path_resolution(7)) and the operations on names that boot/syscalls calls.
//
// All functions act with the credentials, root, working directory and umask of `task` and check permissions, read-only
// mounts, name lengths (ENAMETOOLONG) and symlink depth (ELOOP at 40). Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "boot/abi/ids.h"
#include "boot/base/result.h"
#include "boot/vfs/attributes.h"
#include "boot/vfs/file_description.h"
#include "boot/vfs/open_flags.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

class CurrentTask;

// Where a relative path starts and how far it may go.
struct WalkFrom {
  VfsPath start;          // AT_FDCWD: the working directory; else what a directory descriptor names
  std::uint64_t resolve = 0;  // RESOLVE_* of openat2(2)
};
// EBADF: not open; ENOTDIR: not a directory (only checked for a relative `path`).
Result<WalkFrom> walk_from(CurrentTask& task, Fd directory, std::string_view path);

struct WalkOptions {
  bool follow_last = true;     // follow a symlink in the last component
  bool allow_empty = false;    // AT_EMPTY_PATH: "" names the start itself
};

// An existing file. ENOENT for "" unless allowed.
Result<VfsPath> walk(CurrentTask& task, const WalkFrom& from, std::string_view path, WalkOptions options = {});

// The directory of the last component, which need not exist. For creation and removal: `name` may be "." or "..",
// which the operations refuse as Linux does; `trailing_slash` was present.
struct Parent {
  VfsPath directory;
  std::string name;
  bool trailing_slash = false;
};
Result<Parent> walk_to_parent(CurrentTask& task, const WalkFrom& from, std::string_view path);

// open(2), openat2(2), creat(2) with all O_* semantics. Opening a FIFO may wait for the other end (the only function
// here that blocks): see special_files.h. `mode` before umask.
Result<FilePtr> open_path(CurrentTask& task, const WalkFrom& from, std::string_view path, OpenFlags flags,
                          std::uint32_t mode);
// Opens a place that was already resolved (exec, /proc/self/fd/N).
Result<FilePtr> open_resolved(CurrentTask& task, const VfsPath& path, OpenFlags flags);

Result<void> make_directory(CurrentTask& task, const WalkFrom& from, std::string_view path, std::uint32_t mode);
Result<void> make_node(CurrentTask& task, const WalkFrom& from, std::string_view path, std::uint32_t mode,
                       std::uint64_t rdev);
Result<void> make_symlink(CurrentTask& task, std::string_view target, const WalkFrom& from, std::string_view path);
Result<void> make_link(CurrentTask& task, const WalkFrom& old_from, std::string_view old_path, const WalkFrom& new_from,
                       std::string_view new_path, int at_flags);
Result<void> unlink(CurrentTask& task, const WalkFrom& from, std::string_view path);
Result<void> remove_directory(CurrentTask& task, const WalkFrom& from, std::string_view path);
Result<void> rename(CurrentTask& task, const WalkFrom& old_from, std::string_view old_path, const WalkFrom& new_from,
                    std::string_view new_path, unsigned flags);
// Attribute changes with their permission rules: chmod, chown (clears suid and sgid), truncate, utimensat.
Result<void> change_mode(CurrentTask& task, const VfsPath& path, std::uint32_t mode);
Result<void> change_owner(CurrentTask& task, const VfsPath& path, std::optional<Uid> uid, std::optional<Gid> gid);
Result<void> change_size(CurrentTask& task, const VfsPath& path, std::uint64_t size);
Result<void> change_times(CurrentTask& task, const VfsPath& path, const AttributeChange& times, bool both_now);

// The absolute path as `root` shows it: getcwd(2), /proc/self/fd. `deleted`: " (deleted)" is appended by the caller.
// Unreachable places begin with "(unreachable)".
struct ShownPath {
  std::string text;
  bool deleted = false;
};
ShownPath show_path(const VfsPath& path, const VfsPath& root);

// Checks MAY_* on an object that was already found, read-only mounts included (EROFS).
Result<void> check_access(CurrentTask& task, const VfsPath& path, int may);

}  // namespace runsc
