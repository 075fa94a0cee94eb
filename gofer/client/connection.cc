#include "gofer/client/connection.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "boot/base/log.h"
#include "gofer/client/validate.h"
#include "gofer/protocol/codec.h"
#include "gofer/protocol/names.h"
#include "gofer/protocol/processor.h"

namespace runsc::gofer {
namespace {

std::string text_of(const DataReply& reply) { return std::string(reply.data); }

Result<void> check_xattr_size(std::string_view name, std::string_view value) {
  if (name.empty() || name.size() > kMaxXattrName) return Errno(ERANGE);
  if (value.size() > kMaxXattrValue) return Errno(E2BIG);
  return {};
}

// The names are copied to memory of the batch: the packet is about to be used again.
DirectoryBatch own_entries(const EntriesReply& reply) {
  std::size_t bytes = 0;
  for (const DirectoryEntry& entry : reply.entries) bytes += entry.name.size();
  DirectoryBatch batch;
  batch.next_cookie = reply.next_cookie;
  batch.end = reply.end;
  batch.names = std::make_unique_for_overwrite<char[]>(bytes);
  batch.entries.reserve(reply.entries.size());
  char* to = batch.names.get();
  for (const DirectoryEntry& entry : reply.entries) {
    entry.name.copy(to, entry.name.size());
    batch.entries.push_back({entry.inode, entry.cookie, entry.type, {to, entry.name.size()}});
    to += entry.name.size();
  }
  return batch;
}

}  // namespace

GoferConnection::GoferConnection(UniqueFd socket) : pool_(std::make_shared<HandlePool>(0)), wire_(std::move(socket)) {}

Result<std::unique_ptr<GoferConnection>> GoferConnection::attach(UniqueFd socket, bool watch) {
  std::unique_ptr<GoferConnection> made(new GoferConnection(std::move(socket)));
  GoferConnection& self = *made;
  const AttachRequest request{kProtocolVersion, watch};
  TRY((self.call<AttachedReply, bool>(request, [&](AttachedReply& reply, UniqueFd& changes) -> Result<bool> {
    TRY(check_attributes(reply.root));
    if (reply.watching) {
      TRY(check_change_queue(changes.get()));
      self.changes_ = std::move(changes);
    }
    self.root_attributes_ = reply.root;
    self.read_only_ = reply.read_only;
    self.pool_ = std::make_shared<HandlePool>(reply.max_handles);
    return true;
  })));
  self.root_ = RemoteHandle(self.pool_, HandleId::kRoot);
  return made;
}

// Ends the connection: nothing that the gofer says later would be believed.
Errno GoferConnection::broken(Wire& wire, Errno cause) {
  if (alive_.exchange(false)) LOG(ERROR) << "gofer connection lost: " << errno_name(cause);
  wire.socket.shut_down();
  return Errno(EIO);
}

Result<void> GoferConnection::send(Wire& wire, RequestBody body) {
  wire.request.id = wire.next_id++;
  wire.request.body = std::move(body);
  wire.request.closed.clear();
  pool_->take_retired(wire.request.closed);
  const auto packet = encode(wire.request, wire.outgoing);
  // Not even then: the numbers taken from the pool count as closed.
  if (!packet.ok()) return broken(wire, packet.error());
  if (const auto sent = wire.socket.send(*packet); !sent.ok()) return broken(wire, sent.error());
  return {};
}

Result<UniqueFd> GoferConnection::exchange(Wire& wire, RequestBody body) {
  if (!is_alive()) return Errno(EIO);
  const StayHere here;
  wire.request.processor = here.processor();
  TRY(send(wire, std::move(body)));
  UniqueFd descriptor;
  const auto size = wire.socket.receive(wire.incoming.bytes(), descriptor);
  if (!size.ok()) return broken(wire, size.error());
  if (*size == 0) return broken(wire, Errno(EPIPE));
  const auto decoded = decode(wire.incoming.bytes().first(*size), wire.reply);
  if (!decoded.ok()) return broken(wire, decoded.error());
  if (wire.reply.id != wire.request.id) return broken(wire, Errno(EPROTO));
  if (wire.reply.error != 0) return Errno(wire.reply.error);
  return descriptor;
}

template <typename Body, typename Value, typename Parse>
Result<Value> GoferConnection::call(RequestBody body, Parse&& parse) {
  auto wire = wire_.lock();
  UniqueFd descriptor = TRY(exchange(*wire, std::move(body)));
  Body* reply = std::get_if<Body>(&wire->reply.body);
  if (reply == nullptr) return broken(*wire, Errno(EPROTO));
  Result<Value> value = parse(*reply, descriptor);
  if (!value.ok() && value.error() == Errno(EPROTO)) return broken(*wire, Errno(EPROTO));
  return value;
}

Result<void> GoferConnection::call_done(RequestBody body) {
  TRY((call<DoneReply, bool>(std::move(body), [](DoneReply&, UniqueFd&) { return Result<bool>(true); })));
  return {};
}

Result<FileAttributes> GoferConnection::call_node(RequestBody body) {
  return call<NodeReply, FileAttributes>(std::move(body), [](NodeReply& reply, UniqueFd&) -> Result<FileAttributes> {
    TRY(check_attributes(reply.attributes));
    return reply.attributes;
  });
}

Result<HandleId> GoferConnection::own(const RemoteHandle& handle) const {
  if (!handle.belongs_to(*pool_)) return Errno(EXDEV);
  return handle.id();
}

Result<ReservedHandle> GoferConnection::reserve() {
  Result<ReservedHandle> handle = ReservedHandle::reserve(pool_);
  if (handle.ok() || pool_->retired_count() == 0) return handle;
  TRY(close_retired());
  return ReservedHandle::reserve(pool_);
}

Result<WalkRequest> GoferConnection::walk_request(const RemoteHandle& from,
                                                  std::span<const std::string_view> names) const {
  if (names.empty() || names.size() > kMaxWalk) return Errno(EINVAL);
  WalkRequest request;
  request.from = TRY(own(from));
  for (const std::string_view name : names) {
    TRY(check_component(name));
    request.names.push_back(name);
  }
  return request;
}

Result<WalkResult> GoferConnection::walk(const RemoteHandle& from, std::span<const std::string_view> names, bool hold) {
  WalkRequest request = TRY(walk_request(from, names));
  request.hold = hold;
  std::vector<ReservedHandle> reserved;
  reserved.reserve(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    reserved.push_back(TRY(reserve()));
    request.handles.push_back(reserved.back().id());
  }
  return call<WalkedReply, WalkResult>(request, [&](WalkedReply& reply, UniqueFd& held) -> Result<WalkResult> {
    TRY(check_walked(reply, names.size()));
    WalkResult result;
    result.error = reply.error;
    if (held.valid()) {
      if (!hold || reply.error != 0 || reply.nodes.empty()) return Errno(EPROTO);
      TRY(check_held(held.get(), reply.nodes.back()));
      result.held = std::move(held);
    }
    result.nodes.reserve(reply.nodes.size());
    for (std::size_t i = 0; i < reply.nodes.size(); ++i)
      result.nodes.push_back({std::move(reserved[i]).bound(), reply.nodes[i]});
    return result;
  });
}

Result<ProbeResult> GoferConnection::probe(const RemoteHandle& from, std::span<const std::string_view> names) {
  return call<WalkedReply, ProbeResult>(TRY(walk_request(from, names)),
                                        [&](WalkedReply& reply, UniqueFd&) -> Result<ProbeResult> {
                                          TRY(check_walked(reply, names.size()));
                                          return ProbeResult{std::move(reply.nodes), reply.error};
                                        });
}

Result<FileAttributes> GoferConnection::get_attributes(const RemoteHandle& node) {
  return call_node(GetAttributesRequest{TRY(own(node))});
}

Result<OpenResult> GoferConnection::hold(const RemoteHandle& node) {
  return call<NodeReply, OpenResult>(HoldRequest{TRY(own(node))},
                                     [](NodeReply& reply, UniqueFd& held) -> Result<OpenResult> {
                                       TRY(check_attributes(reply.attributes));
                                       TRY(check_held(held.get(), reply.attributes));
                                       return OpenResult{reply.attributes, std::move(held)};
                                     });
}

Result<FileAttributes> GoferConnection::set_attributes(const RemoteHandle& node, const AttributeChange& change) {
  return call_node(SetAttributesRequest{TRY(own(node)), change});
}

Result<void> GoferConnection::synchronize(const RemoteHandle& node) {
  return call_done(SynchronizeRequest{TRY(own(node))});
}

Result<OpenResult> GoferConnection::open(const RemoteHandle& node, int flags) {
  const OpenRequest request{TRY(own(node)), static_cast<std::uint32_t>(flags)};
  return call<NodeReply, OpenResult>(request, [&](NodeReply& reply, UniqueFd& descriptor) -> Result<OpenResult> {
    TRY(check_attributes(reply.attributes));
    const std::uint32_t type = reply.attributes.type();
    if (type != S_IFREG && type != S_IFIFO) return Errno(EPROTO);
    TRY(check_descriptor(descriptor.get(), type, flags));
    if (type == S_IFIFO && (::fcntl(descriptor.get(), F_GETFL) & O_NONBLOCK) == 0) return Errno(EPROTO);
    return OpenResult{reply.attributes, std::move(descriptor)};
  });
}

Result<NewNode> GoferConnection::new_node(const RemoteHandle& directory, std::string_view name, const NodeOwner& owner,
                                          const ReservedHandle& handle) const {
  return NewNode{TRY(own(directory)), name, owner.mode, owner.uid, owner.gid, handle.id()};
}

template <typename CreateKind>
Result<CreateResult> GoferConnection::create_file(const RemoteHandle& directory, std::string_view name,
                                                  const NodeOwner& owner, int flags) {
  ReservedHandle handle = TRY(reserve());
  const CreateKind request{TRY(new_node(directory, name, owner, handle)), static_cast<std::uint32_t>(flags)};
  return call<NodeReply, CreateResult>(request, [&](NodeReply& reply, UniqueFd& descriptor) -> Result<CreateResult> {
    TRY(check_attributes(reply.attributes));
    TRY(check_descriptor(descriptor.get(), S_IFREG, flags));
    if (!reply.attributes.is_regular()) return Errno(EPROTO);
    return CreateResult{{std::move(handle).bound(), reply.attributes}, std::move(descriptor)};
  });
}

Result<CreateResult> GoferConnection::create(const RemoteHandle& directory, std::string_view name,
                                             const NodeOwner& owner, int flags) {
  TRY(check_component(name));
  return create_file<CreateRequest>(directory, name, owner, flags);
}

Result<CreateResult> GoferConnection::create_unnamed(const RemoteHandle& directory, const NodeOwner& owner, int flags) {
  return create_file<CreateUnnamedRequest>(directory, {}, owner, flags);
}

template <typename NodeRequest>
Result<RemoteNode> GoferConnection::make(NodeRequest request, ReservedHandle handle) {
  TRY(check_component(request.node.name));
  return call<NodeReply, RemoteNode>(request, [&](NodeReply& reply, UniqueFd&) -> Result<RemoteNode> {
    TRY(check_attributes(reply.attributes));
    return RemoteNode{std::move(handle).bound(), reply.attributes};
  });
}

Result<RemoteNode> GoferConnection::make_directory(const RemoteHandle& directory, std::string_view name,
                                                   const NodeOwner& owner) {
  ReservedHandle handle = TRY(reserve());
  const MakeDirectoryRequest request{TRY(new_node(directory, name, owner, handle))};
  return make(request, std::move(handle));
}

Result<RemoteNode> GoferConnection::make_node(const RemoteHandle& directory, std::string_view name,
                                              const NodeOwner& owner) {
  ReservedHandle handle = TRY(reserve());
  const MakeNodeRequest request{TRY(new_node(directory, name, owner, handle))};
  return make(request, std::move(handle));
}

Result<RemoteNode> GoferConnection::make_symlink(const RemoteHandle& directory, std::string_view name,
                                                 std::string_view target, std::uint32_t uid, std::uint32_t gid) {
  if (target.empty()) return Errno(ENOENT);
  if (target.size() > kMaxLinkTarget) return Errno(ENAMETOOLONG);
  ReservedHandle handle = TRY(reserve());
  const MakeSymlinkRequest request{TRY(new_node(directory, name, {0777, uid, gid}, handle)), target};
  return make(request, std::move(handle));
}

Result<FileAttributes> GoferConnection::link(const RemoteHandle& node, const RemoteHandle& directory,
                                             std::string_view name) {
  TRY(check_component(name));
  const HandleId of = TRY(own(node));
  const HandleId in = TRY(own(directory));
  return call_node(LinkRequest{of, in, name});
}

Result<std::string> GoferConnection::read_link(const RemoteHandle& node) {
  return call<DataReply, std::string>(ReadLinkRequest{TRY(own(node))},
                                      [](DataReply& reply, UniqueFd&) -> Result<std::string> {
                                        TRY(check_link_target(reply.data));
                                        return text_of(reply);
                                      });
}

Result<void> GoferConnection::unlink(const RemoteHandle& directory, std::string_view name, bool is_directory) {
  TRY(check_component(name));
  return call_done(UnlinkRequest{TRY(own(directory)), name, is_directory});
}

Result<void> GoferConnection::rename(const RemoteHandle& old_directory, std::string_view old_name,
                                     const RemoteHandle& new_directory, std::string_view new_name, unsigned flags) {
  TRY(check_component(old_name));
  TRY(check_component(new_name));
  const HandleId from = TRY(own(old_directory));
  const HandleId to = TRY(own(new_directory));
  return call_done(RenameRequest{from, old_name, to, new_name, flags});
}

Result<DirectoryBatch> GoferConnection::read_directory(const RemoteHandle& directory, std::uint64_t cookie,
                                                       std::size_t max_bytes) {
  const ReadDirectoryRequest request{TRY(own(directory)), cookie,
                                     static_cast<std::uint32_t>(std::min(max_bytes, kMaxDirectoryBytes))};
  return call<EntriesReply, DirectoryBatch>(request, [&](EntriesReply& reply, UniqueFd&) -> Result<DirectoryBatch> {
    TRY(check_entries(reply, cookie));
    return own_entries(reply);
  });
}

Result<FileSystemInfo> GoferConnection::stat_file_system(const RemoteHandle& node) {
  return call<FileSystemReply, FileSystemInfo>(
      StatFileSystemRequest{TRY(own(node))},
      [](FileSystemReply& reply, UniqueFd&) { return Result<FileSystemInfo>(reply.info); });
}

Result<std::string> GoferConnection::get_xattr(const RemoteHandle& node, std::string_view name) {
  TRY(check_xattr_size(name, {}));
  return call<DataReply, std::string>(GetXattrRequest{TRY(own(node)), name},
                                      [](DataReply& reply, UniqueFd&) { return Result<std::string>(text_of(reply)); });
}

Result<void> GoferConnection::set_xattr(const RemoteHandle& node, std::string_view name, std::string_view value,
                                        unsigned flags) {
  TRY(check_xattr_size(name, value));
  return call_done(SetXattrRequest{TRY(own(node)), name, value, flags});
}

Result<std::string> GoferConnection::list_xattr(const RemoteHandle& node) {
  return call<DataReply, std::string>(ListXattrRequest{TRY(own(node))},
                                      [](DataReply& reply, UniqueFd&) -> Result<std::string> {
                                        if (!reply.data.empty() && reply.data.back() != '\0') return Errno(EPROTO);
                                        return text_of(reply);
                                      });
}

Result<void> GoferConnection::remove_xattr(const RemoteHandle& node, std::string_view name) {
  TRY(check_xattr_size(name, {}));
  return call_done(RemoveXattrRequest{TRY(own(node)), name});
}

Result<UniqueFd> GoferConnection::connect(const RemoteHandle& node, int type) {
  return call<DoneReply, UniqueFd>(ConnectRequest{TRY(own(node)), static_cast<std::uint32_t>(type)},
                                   [](DoneReply&, UniqueFd& descriptor) -> Result<UniqueFd> {
                                     TRY(check_descriptor(descriptor.get(), S_IFSOCK, O_RDWR));
                                     return std::move(descriptor);
                                   });
}

Result<void> GoferConnection::close_retired() {
  auto wire = wire_.lock();
  if (!is_alive()) return Errno(EIO);
  while (pool_->retired_count() > 0) TRY(send(*wire, CloseRequest{}));
  return {};
}

Result<void> GoferConnection::flush() {
  TRY(close_retired());
  return call_done(FlushRequest{});
}

}  // namespace runsc::gofer
