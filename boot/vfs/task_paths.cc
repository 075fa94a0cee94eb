// The forms of path_walk.h that act as the current task.
#include "boot/kernel/current_task.h"
#include "boot/kernel/fs_context.h"
#include "boot/vfs/path_walk.h"

namespace runsc {

WalkContext walk_context(CurrentTask& task) {
  FsContext::State state = task.fs().snapshot();
  // The namespace outlives the call: only this thread unshares it for this task, and others of CLONE_FS keep theirs.
  VfsServices* const services = &state.mounts->services();
  return {std::move(state.root), std::move(state.cwd), task.credentials(), state.umask, services, &task};
}

Result<WalkFrom> walk_from(CurrentTask& task, Fd directory, std::string_view path) {
  if (!path.empty() && path[0] == '/') return WalkFrom{task.fs().root(), 0};
  if (raw(directory) == AT_FDCWD) return WalkFrom{task.fs().cwd(), 0};
  const FilePtr file = TRY(task.file(directory));
  if (file->path()) return WalkFrom{file->path(), 0};
  if (!path.empty()) return Errno(ENOTDIR);
  return WalkFrom{TRY(place_of(*file)), 0};
}

Result<VfsPath> walk(CurrentTask& task, const WalkFrom& from, std::string_view path, WalkOptions options) {
  return walk(walk_context(task), from, path, options);
}

Result<Parent> walk_to_parent(CurrentTask& task, const WalkFrom& from, std::string_view path) {
  return walk_to_parent(walk_context(task), from, path);
}

Result<FilePtr> open_path(CurrentTask& task, const WalkFrom& from, std::string_view path, OpenFlags flags,
                          std::uint32_t mode) {
  return open_path(walk_context(task), from, path, flags, mode);
}

Result<FilePtr> open_resolved(CurrentTask& task, const VfsPath& path, OpenFlags flags) {
  return open_resolved(walk_context(task), path, flags);
}

Result<void> make_directory(CurrentTask& task, const WalkFrom& from, std::string_view path, std::uint32_t mode) {
  return make_directory(walk_context(task), from, path, mode);
}

Result<void> make_node(CurrentTask& task, const WalkFrom& from, std::string_view path, std::uint32_t mode,
                       std::uint64_t rdev) {
  return make_node(walk_context(task), from, path, mode, rdev);
}

Result<VfsPath> make_socket(CurrentTask& task, std::string_view path) {
  const WalkContext context = walk_context(task);
  const WalkFrom from{context.cwd, 0};
  TRY(make_node(context, from, path, S_IFSOCK | 0777, 0));
  return walk(context, from, path, {.follow_last = false, .allow_empty = false});
}

Result<void> make_symlink(CurrentTask& task, std::string_view target, const WalkFrom& from, std::string_view path) {
  return make_symlink(walk_context(task), target, from, path);
}

Result<void> make_link(CurrentTask& task, const WalkFrom& old_from, std::string_view old_path, const WalkFrom& new_from,
                       std::string_view new_path, int at_flags) {
  return make_link(walk_context(task), old_from, old_path, new_from, new_path, at_flags);
}

Result<void> unlink(CurrentTask& task, const WalkFrom& from, std::string_view path) {
  return unlink(walk_context(task), from, path);
}

Result<void> remove_directory(CurrentTask& task, const WalkFrom& from, std::string_view path) {
  return remove_directory(walk_context(task), from, path);
}

Result<void> rename(CurrentTask& task, const WalkFrom& old_from, std::string_view old_path, const WalkFrom& new_from,
                    std::string_view new_path, unsigned flags) {
  return rename(walk_context(task), old_from, old_path, new_from, new_path, flags);
}

Result<void> change_mode(CurrentTask& task, const VfsPath& path, std::uint32_t mode) {
  return change_mode(walk_context(task), path, mode);
}

Result<void> change_owner(CurrentTask& task, const VfsPath& path, std::optional<Uid> uid, std::optional<Gid> gid) {
  return change_owner(walk_context(task), path, uid, gid);
}

Result<void> change_size(CurrentTask& task, const VfsPath& path, std::uint64_t size) {
  return change_size(walk_context(task), path, size);
}

Result<void> change_times(CurrentTask& task, const VfsPath& path, const AttributeChange& times, bool both_now) {
  return change_times(walk_context(task), path, times, both_now);
}

Result<void> check_access(CurrentTask& task, const VfsPath& path, int may) {
  return check_access(*task.credentials(), path, may);
}

}  // namespace runsc
