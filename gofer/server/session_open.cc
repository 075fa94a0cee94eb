// Operations that hand a host descriptor to the peer: open, create, createUnnamed, connect.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>

#include "gofer/server/host_files.h"
#include "gofer/server/session.h"

namespace runsc::gofer {
namespace {

constexpr std::uint32_t kOpenFlags = O_ACCMODE | O_TRUNC | O_APPEND | O_DIRECT | O_SYNC | O_DSYNC | O_NOATIME;

Result<int> open_flags(std::uint32_t flags) {
  if ((flags & ~kOpenFlags) != 0 || (flags & O_ACCMODE) == O_ACCMODE) return Errno(EINVAL);
  return static_cast<int>(flags);
}

bool changes_file(int flags) { return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0; }

}  // namespace

Result<ReplyBody> Session::handle(const OpenRequest& request) {
  const Node* node = TRY(handles_.find(request.handle));
  int flags = TRY(open_flags(request.flags));
  switch (node->type) {
    case S_IFREG:
      if (changes_file(flags)) TRY(check_writable());
      break;
    case S_IFIFO:
      // Opening for reading only would still let the peer take what others wrote, but changes nothing on disk; a
      // read-only mount lets FIFOs be opened, as Linux does.
      if (!config_.policy.allow_fifo_open) return Errno(EPERM);
      flags |= O_NONBLOCK;  // never wait here for another end
      break;
    case S_IFDIR:
      return Errno(EISDIR);
    case S_IFLNK:
      return Errno(ELOOP);
    default:
      return Errno(ENXIO);  // sockets as on Linux; devices of the image are never opened
  }
  UniqueFd file = TRY(reopen(config_.proc_self_fd, node->path.get(), flags));
  Result<ReplyBody> reply = describe(file.get());
  donated_ = std::move(file);
  return reply;
}

Result<ReplyBody> Session::adopt_open_file(const NewNode& wanted, UniqueFd file) {
  UniqueFd path = TRY(reopen(config_.proc_self_fd, file.get(), O_PATH));
  Result<ReplyBody> reply = adopt(wanted, std::move(path));
  if (reply.ok()) donated_ = std::move(file);
  return reply;
}

Result<ReplyBody> Session::handle(const CreateRequest& request) {
  TRY(check_writable());
  const int directory = TRY(find_directory(request.node.directory))->path.get();
  const int flags = TRY(open_flags(request.flags));
  const ComponentName name = TRY(component_name(request.node.name));
  TRY(handles_.check_free(request.node.handle));
  // Without set-id bits, until it has its owner.
  UniqueFd file = TRY(create_entry(directory, name, flags, request.node.mode & 0777));
  Result<ReplyBody> reply = adopt_open_file(request.node, std::move(file));
  if (!reply.ok()) ::unlinkat(directory, name.c_str(), 0);
  return reply;
}

Result<ReplyBody> Session::handle(const CreateUnnamedRequest& request) {
  TRY(check_writable());
  const int directory = TRY(find_directory(request.node.directory))->path.get();
  const int flags = TRY(open_flags(request.flags)) & ~O_TRUNC;
  if ((flags & O_ACCMODE) == O_RDONLY || !request.node.name.empty()) return Errno(EINVAL);
  TRY(handles_.check_free(request.node.handle));
  return adopt_open_file(request.node, TRY(create_unnamed(directory, flags, request.node.mode & 0777)));
}

Result<ReplyBody> Session::handle(const ConnectRequest& request) {
  const Node* node = TRY(handles_.find(request.handle));
  if (request.type != SOCK_STREAM && request.type != SOCK_DGRAM && request.type != SOCK_SEQPACKET) return Errno(EINVAL);
  if (node->type != S_IFSOCK || !config_.policy.allow_unix_connect) return Errno(ECONNREFUSED);
  // Non-blocking: a full backlog is EAGAIN for the client, not a stop of this connection.
  UniqueFd socket = TRY(own_fd(::socket(AF_UNIX, static_cast<int>(request.type) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
  // connect(2) has no variant with a directory: the path is relative to the working directory, which prepare_thread
  // has made /proc/self/fd.
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, DescriptorName(node->path.get()).c_str());
  TRY(host_result(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address))));
  donated_ = std::move(socket);
  return ReplyBody(DoneReply{});
}

}  // namespace runsc::gofer
