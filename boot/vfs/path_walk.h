// Path resolution (path_resolution(7)) and the operations on names that boot/syscalls calls.
//
// All functions act with the credentials, root, working directory and umask of the context and check permissions,
// read-only mounts, name lengths (ENAMETOOLONG) and symlink depth (ELOOP at 40). Thread-safe. Each has a form that
// takes the context of the current task (task_paths.h).
#pragma once

#include <string>
#include <string_view>

#include "boot/abi/ids.h"
#include "boot/base/result.h"
#include "boot/vfs/attributes.h"
#include "boot/vfs/file_description.h"
#include "boot/vfs/open_flags.h"
#include "boot/vfs/vfs_path.h"
#include "boot/vfs/walk_context.h"

namespace runsc {

inline constexpr std::size_t kNameMax = 255;
inline constexpr int kMaxSymlinks = 40;

// Where a relative path starts and how far it may go.
struct WalkFrom {
  VfsPath start;              // AT_FDCWD: the working directory; else what a directory descriptor names
  std::uint64_t resolve = 0;  // RESOLVE_* of openat2(2)
};
// EBADF: not open. Whether it is a directory is seen when the walk leaves it (ENOTDIR).
Result<WalkFrom> walk_from(CurrentTask& task, Fd directory, std::string_view path);

struct WalkOptions {
  bool follow_last = true;   // follow a symlink in the last component
  bool allow_empty = false;  // AT_EMPTY_PATH: "" names the start itself
};

// An existing file. ENOENT for "" unless allowed.
Result<VfsPath> walk(const WalkContext& context, const WalkFrom& from, std::string_view path, WalkOptions options = {});
Result<VfsPath> walk(CurrentTask& task, const WalkFrom& from, std::string_view path, WalkOptions options = {});

// The directory of the last component, which need not exist. For creation and removal: `name` may be "." or "..", or
// empty for the root itself, which the operations refuse as Linux does; `trailing_slash` was present.
struct Parent {
  VfsPath directory;
  std::string name;
  bool trailing_slash = false;
};
Result<Parent> walk_to_parent(const WalkContext& context, const WalkFrom& from, std::string_view path);
Result<Parent> walk_to_parent(CurrentTask& task, const WalkFrom& from, std::string_view path);

// open(2), openat2(2), creat(2) with all O_* semantics. Opening a FIFO may wait for the other end (the only function
// here that blocks): see special_files.h. `mode` before umask.
Result<FilePtr> open_path(const WalkContext& context, const WalkFrom& from, std::string_view path, OpenFlags flags,
                          std::uint32_t mode);
Result<FilePtr> open_path(CurrentTask& task, const WalkFrom& from, std::string_view path, OpenFlags flags,
                          std::uint32_t mode);
// Opens a place that was already resolved (exec, /proc/self/fd/N).
Result<FilePtr> open_resolved(const WalkContext& context, const VfsPath& path, OpenFlags flags);
Result<FilePtr> open_resolved(CurrentTask& task, const VfsPath& path, OpenFlags flags);

Result<void> make_directory(const WalkContext& context, const WalkFrom& from, std::string_view path,
                            std::uint32_t mode);
Result<void> make_directory(CurrentTask& task, const WalkFrom& from, std::string_view path, std::uint32_t mode);
Result<void> make_node(const WalkContext& context, const WalkFrom& from, std::string_view path, std::uint32_t mode,
                       std::uint64_t rdev);
Result<void> make_node(CurrentTask& task, const WalkFrom& from, std::string_view path, std::uint32_t mode,
                       std::uint64_t rdev);
// As make_node() of a socket, for bind(2) of a Unix socket: returns where it lies. EADDRINUSE is the caller's name for
// EEXIST.
Result<VfsPath> make_socket(CurrentTask& task, std::string_view path);
Result<void> make_symlink(const WalkContext& context, std::string_view target, const WalkFrom& from,
                          std::string_view path);
Result<void> make_symlink(CurrentTask& task, std::string_view target, const WalkFrom& from, std::string_view path);
Result<void> make_link(const WalkContext& context, const WalkFrom& old_from, std::string_view old_path,
                       const WalkFrom& new_from, std::string_view new_path, int at_flags);
Result<void> make_link(CurrentTask& task, const WalkFrom& old_from, std::string_view old_path, const WalkFrom& new_from,
                       std::string_view new_path, int at_flags);
Result<void> unlink(const WalkContext& context, const WalkFrom& from, std::string_view path);
Result<void> unlink(CurrentTask& task, const WalkFrom& from, std::string_view path);
Result<void> remove_directory(const WalkContext& context, const WalkFrom& from, std::string_view path);
Result<void> remove_directory(CurrentTask& task, const WalkFrom& from, std::string_view path);
Result<void> rename(const WalkContext& context, const WalkFrom& old_from, std::string_view old_path,
                    const WalkFrom& new_from, std::string_view new_path, unsigned flags);
Result<void> rename(CurrentTask& task, const WalkFrom& old_from, std::string_view old_path, const WalkFrom& new_from,
                    std::string_view new_path, unsigned flags);

// Attribute changes with their permission rules: chmod, chown (clears suid and sgid), truncate, utimensat.
Result<void> change_mode(const WalkContext& context, const VfsPath& path, std::uint32_t mode);
Result<void> change_mode(CurrentTask& task, const VfsPath& path, std::uint32_t mode);
Result<void> change_owner(const WalkContext& context, const VfsPath& path, std::optional<Uid> uid,
                          std::optional<Gid> gid);
Result<void> change_owner(CurrentTask& task, const VfsPath& path, std::optional<Uid> uid, std::optional<Gid> gid);
Result<void> change_size(const WalkContext& context, const VfsPath& path, std::uint64_t size);
Result<void> change_size(CurrentTask& task, const VfsPath& path, std::uint64_t size);
Result<void> change_times(const WalkContext& context, const VfsPath& path, const AttributeChange& times, bool both_now);
Result<void> change_times(CurrentTask& task, const VfsPath& path, const AttributeChange& times, bool both_now);

// Before a write to a file: set-user-ID and set-group-ID go unless the writer has CAP_FSETID.
Result<void> drop_set_id(const Credentials& credentials, Inode& inode);

// The absolute path as `root` shows it: getcwd(2), /proc/self/fd. `deleted`: " (deleted)" is appended by the caller.
// Unreachable places begin with "(unreachable)".
struct ShownPath {
  std::string text;
  bool deleted = false;
};
ShownPath show_path(const VfsPath& path, const VfsPath& root);

// Checks MAY_* on an object that was already found; writing on read-only mounts (EROFS) and executing on noexec mounts
// (EACCES) included.
Result<void> check_access(const Credentials& credentials, const VfsPath& path, int may);
Result<void> check_access(CurrentTask& task, const VfsPath& path, int may);

// A place for an open file that may have none: pipes and other objects that no path leads to get a detached one around
// their inode, or around themselves (FileDescription::reopen()), so that magic links (/proc/self/fd/N) and
// AT_EMPTY_PATH work on them.
Result<VfsPath> place_of(FileDescription& file);

}  // namespace runsc
