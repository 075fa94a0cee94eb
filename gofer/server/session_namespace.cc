// Changes of directories: makeDirectory, makeNode, makeSymlink, link, unlink, rename.
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "gofer/server/host_files.h"
#include "gofer/server/session.h"

namespace runsc::gofer {
namespace {

constexpr std::uint32_t kModeBits = 07777;

// Linux gives a new inode another group (set-group-id directories) or mode (default ACLs) than asked for; the client
// has already decided both.
Result<FileAttributes> give_owner_and_mode(int proc_self_fd, int fd, const NewNode& wanted) {
  const FileAttributes made = TRY(attributes_of(fd));
  const bool owner_differs = made.uid != wanted.uid || made.gid != wanted.gid;
  const std::uint32_t mode = wanted.mode & kModeBits;
  const bool mode_differs = !made.is_symlink() && (made.mode & kModeBits) != mode;
  if (owner_differs) TRY(change_owner(fd, wanted.uid, wanted.gid));
  if (mode_differs) TRY(change_mode(proc_self_fd, fd, mode));
  if (!owner_differs && !mode_differs) return made;
  return attributes_of(fd);
}

}  // namespace

Result<ReplyBody> Session::adopt(const NewNode& wanted, UniqueFd path) {
  FileAttributes attributes = TRY(give_owner_and_mode(config_.proc_self_fd, path.get(), wanted));
  TRY(insert(wanted.handle, std::move(path), attributes));
  return ReplyBody(NodeReply{attributes});
}

Result<ReplyBody> Session::adopt_entry(const NewNode& wanted, int directory, const ComponentName& name,
                                       std::uint32_t type) {
  Result<ReplyBody> reply = [&]() -> Result<ReplyBody> {
    UniqueFd path = TRY(open_entry(directory, name));
    // On a shared mount another process may already have put something else in its place.
    if (TRY(attributes_of(path.get())).type() != type) return Errno(ESTALE);
    return adopt(wanted, std::move(path));
  }();
  if (!reply.ok() && reply.error() != Errno(ESTALE))
    ::unlinkat(directory, name.c_str(), type == S_IFDIR ? AT_REMOVEDIR : 0);
  return reply;
}

Result<ReplyBody> Session::handle(const MakeDirectoryRequest& request) {
  TRY(check_writable());
  const int directory = TRY(find_directory(request.node.directory))->path.get();
  const ComponentName name = TRY(component_name(request.node.name));
  TRY(handles_.check_free(request.node.handle));
  TRY(host_result(::mkdirat(directory, name.c_str(), request.node.mode & 0777)));
  return adopt_entry(request.node, directory, name, S_IFDIR);
}

Result<ReplyBody> Session::handle(const MakeNodeRequest& request) {
  TRY(check_writable());
  const int directory = TRY(find_directory(request.node.directory))->path.get();
  const ComponentName name = TRY(component_name(request.node.name));
  TRY(handles_.check_free(request.node.handle));
  const std::uint32_t type = request.node.mode & S_IFMT;
  if (type != S_IFREG && type != S_IFIFO && type != S_IFSOCK) return Errno(EPERM);
  TRY(host_result(::mknodat(directory, name.c_str(), type | (request.node.mode & 0777), 0)));
  return adopt_entry(request.node, directory, name, type);
}

Result<ReplyBody> Session::handle(const MakeSymlinkRequest& request) {
  TRY(check_writable());
  const int directory = TRY(find_directory(request.node.directory))->path.get();
  const ComponentName name = TRY(component_name(request.node.name));
  TRY(handles_.check_free(request.node.handle));
  if (request.target.empty()) return Errno(ENOENT);
  const auto target = TRY(CString<kMaxLinkTarget>::copy(request.target));
  TRY(host_result(::symlinkat(target.c_str(), directory, name.c_str())));
  return adopt_entry(request.node, directory, name, S_IFLNK);
}

Result<ReplyBody> Session::handle(const LinkRequest& request) {
  TRY(check_writable());
  const Node* target = TRY(handles_.find(request.target));
  const Node* directory = TRY(find_directory(request.directory));
  const ComponentName name = TRY(component_name(request.name));
  if (target->type == S_IFDIR) return Errno(EPERM);
  // Through /proc/self/fd, because AT_EMPTY_PATH needs a capability outside of user namespaces. The magic link is
  // followed to the inode; if that is a symlink, it is linked itself.
  TRY(host_result(::linkat(config_.proc_self_fd, DescriptorName(target->path.get()).c_str(), directory->path.get(),
                           name.c_str(), AT_SYMLINK_FOLLOW)));
  return describe(target->path.get());
}

Result<ReplyBody> Session::handle(const UnlinkRequest& request) {
  TRY(check_writable());
  const Node* directory = TRY(find_directory(request.directory));
  const ComponentName name = TRY(component_name(request.name));
  TRY(host_result(::unlinkat(directory->path.get(), name.c_str(), request.is_directory ? AT_REMOVEDIR : 0)));
  return ReplyBody(DoneReply{});
}

Result<ReplyBody> Session::handle(const RenameRequest& request) {
  TRY(check_writable());
  const Node* old_directory = TRY(find_directory(request.old_directory));
  const Node* new_directory = TRY(find_directory(request.new_directory));
  const ComponentName old_name = TRY(component_name(request.old_name));
  const ComponentName new_name = TRY(component_name(request.new_name));
  // RENAME_WHITEOUT would make a device node.
  if ((request.flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) != 0) return Errno(EINVAL);
  // Without the C library's function, which calls renameat when there are no flags.
  TRY(host_result(::syscall(SYS_renameat2, old_directory->path.get(), old_name.c_str(), new_directory->path.get(),
                            new_name.c_str(), request.flags)));
  return ReplyBody(DoneReply{});
}

}  // namespace runsc::gofer
