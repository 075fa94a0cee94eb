#include "gofer/testing/raw_peer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

namespace runsc::gofer {
namespace {

// A socket that listens at "socket" in the working directory.
Result<UniqueFd> listen_at_socket() {
  UniqueFd listener = TRY(own_fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, "socket");
  if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) < 0) return last_errno();
  if (::listen(listener.get(), 1) < 0) return last_errno();
  return listener;
}

Result<void> exercise_file(GoferConnection& gofer) {
  const RemoteHandle& root = gofer.root();
  const CreateResult file = TRY(gofer.create(root, "file", {04755, 1, 2}, O_RDWR));
  AttributeChange change{};
  change.size = 10;
  change.access.kind = TimeChangeKind::kNow;
  TRY(gofer.set_attributes(file.node.handle, change));
  TRY(gofer.get_attributes(file.node.handle));
  TRY(gofer.hold(file.node.handle));
  TRY(gofer.open(file.node.handle, O_RDONLY));
  TRY(gofer.synchronize(file.node.handle));
  TRY(gofer.link(file.node.handle, root, "other"));
  TRY(gofer.rename(root, "other", root, "third", 0));
  TRY(gofer.create_unnamed(root, {0644, 1, 2}, O_RDWR));
  TRY(gofer.stat_file_system(file.node.handle));
  TRY(gofer.set_xattr(file.node.handle, "user.a", "1", 0));
  TRY(gofer.get_xattr(file.node.handle, "user.a"));
  TRY(gofer.list_xattr(file.node.handle));
  TRY(gofer.remove_xattr(file.node.handle, "user.a"));
  return {};
}

}  // namespace

Result<ReplyBody> RawPeer::call(const RequestBody& body, std::span<const HandleId> closed) {
  Request request;
  request.id = next_id_++;
  request.body = body;
  for (const HandleId id : closed) request.closed.push_back(id);
  TRY(socket_.send(TRY(encode(request, outgoing_))));
  descriptor.reset();
  const std::size_t size = TRY(socket_.receive(incoming_.bytes(), descriptor));
  if (size == 0) return Errno(EPIPE);
  TRY(decode(incoming_.bytes().first(size), reply_));
  if (reply_.error != 0) return Errno(reply_.error);
  return reply_.body;
}

Result<WalkedReply> RawPeer::walk(HandleId from, std::string_view name, HandleId handle) {
  WalkRequest request;
  request.from = from;
  request.names.push_back(name);
  request.handles.push_back(handle);
  const ReplyBody body = TRY(call(request));
  const WalkedReply* walked = std::get_if<WalkedReply>(&body);
  if (walked == nullptr) return Errno(EPROTO);
  return *walked;
}

bool RawPeer::is_ended() {
  while (true) {
    const auto size = socket_.receive(incoming_.bytes(), descriptor);
    if (!size.ok() || *size == 0) return true;
  }
}

Result<void> exercise_everything(GoferConnection& gofer, const std::string& directory) {
  const RemoteHandle& root = gofer.root();
  if (::chdir(directory.c_str()) < 0) return last_errno();
  TRY(exercise_file(gofer));
  TRY(gofer.make_directory(root, "directory", {0755, 1, 2}));
  TRY(gofer.make_node(root, "fifo", {S_IFIFO | 0644, 1, 2}));
  TRY(gofer.make_node(root, "unused", {S_IFSOCK | 0644, 1, 2}));
  TRY(gofer.make_node(root, "regular", {S_IFREG | 0644, 1, 2}));
  const RemoteNode symlink = TRY(gofer.make_symlink(root, "symlink", "target", 1, 2));
  TRY(gofer.read_link(symlink.handle));
  TRY(gofer.unlink(root, "directory", true));
  TRY(gofer.read_directory(root, 0));
  const UniqueFd listener = TRY(listen_at_socket());
  const std::string_view names[] = {"socket"};
  WalkResult socket = TRY(gofer.walk(root, names));
  if (socket.error != 0) return Errno(socket.error);
  TRY(gofer.probe(root, names));
  TRY(gofer.connect(socket.nodes.at(0).handle, SOCK_STREAM));
  return gofer.flush();
}

}  // namespace runsc::gofer
