#include "gofer/protocol/codec.h"
#include "gofer/protocol/gofer.capnp.h"
#include "gofer/protocol/packet_codec.h"

namespace runsc::gofer {
namespace {

Result<void> get(NewNode& out, wire::NewNode::Reader in) {
  out.directory = HandleId{in.getDirectory()};
  out.name = as_view(in.getName());
  out.mode = in.getMode();
  out.uid = in.getUid();
  out.gid = in.getGid();
  out.handle = HandleId{in.getHandle()};
  return {};
}

template <std::size_t kMax>
Result<void> get(BoundedList<HandleId, kMax>& out, capnp::List<std::uint32_t>::Reader in) {
  if (in.size() > kMax) return Errno(EPROTO);
  for (const std::uint32_t id : in) out.push_back(HandleId{id});
  return {};
}

Result<void> get(WalkRequest& out, wire::Walk::Reader in) {
  out.from = HandleId{in.getFrom()};
  const auto names = in.getNames();
  const auto handles = in.getHandles();
  if (names.size() == 0 || names.size() > kMaxWalk) return Errno(EPROTO);
  if (handles.size() != 0 && handles.size() != names.size()) return Errno(EPROTO);
  for (const auto name : names) out.names.push_back(as_view(name));
  out.hold = in.getHold();
  return get(out.handles, handles);
}

Result<TimeChange> get_time(wire::TimeChange kind, std::int64_t seconds, std::uint32_t nanoseconds) {
  const Timestamp time{seconds, nanoseconds};
  switch (kind) {
    case wire::TimeChange::KEEP:
      return TimeChange{TimeChangeKind::kKeep, {}};
    case wire::TimeChange::NOW:
      return TimeChange{TimeChangeKind::kNow, {}};
    case wire::TimeChange::SET:
      return TimeChange{TimeChangeKind::kSet, time};
  }
  return Errno(EPROTO);
}

Result<void> get(SetAttributesRequest& out, wire::SetAttributes::Reader in) {
  out.handle = HandleId{in.getHandle()};
  const std::uint32_t valid = in.getValid();
  if (valid > 15) return Errno(EPROTO);
  if (valid & 1) out.change.mode = in.getMode();
  if (valid & 2) out.change.uid = in.getUid();
  if (valid & 4) out.change.gid = in.getGid();
  if (valid & 8) out.change.size = in.getSize();
  out.change.access = TRY(get_time(in.getAccessChange(), in.getAccessSeconds(), in.getAccessNanoseconds()));
  out.change.modify = TRY(get_time(in.getModifyChange(), in.getModifySeconds(), in.getModifyNanoseconds()));
  return {};
}

// CreateRequest and CreateUnnamedRequest.
template <typename Create>
Result<void> get_create(Create& out, wire::Create::Reader in) {
  out.flags = in.getFlags();
  return get(out.node, in.getNode());
}

Result<void> get(MakeSymlinkRequest& out, wire::MakeSymlink::Reader in) {
  out.target = as_view(in.getTarget());
  return get(out.node, in.getNode());
}

Result<void> get(OpenRequest& out, wire::Open::Reader in) {
  out.handle = HandleId{in.getHandle()};
  out.flags = in.getFlags();
  return {};
}

Result<void> get(LinkRequest& out, wire::Link::Reader in) {
  out.target = HandleId{in.getTarget()};
  out.directory = HandleId{in.getDirectory()};
  out.name = as_view(in.getName());
  return {};
}

Result<void> get(UnlinkRequest& out, wire::Unlink::Reader in) {
  out.directory = HandleId{in.getDirectory()};
  out.name = as_view(in.getName());
  out.is_directory = in.getIsDirectory();
  return {};
}

Result<void> get(RenameRequest& out, wire::Rename::Reader in) {
  out.old_directory = HandleId{in.getOldDirectory()};
  out.old_name = as_view(in.getOldName());
  out.new_directory = HandleId{in.getNewDirectory()};
  out.new_name = as_view(in.getNewName());
  out.flags = in.getFlags();
  return {};
}

Result<void> get(ReadDirectoryRequest& out, wire::ReadDirectory::Reader in) {
  out.handle = HandleId{in.getHandle()};
  out.cookie = in.getCookie();
  out.max_bytes = in.getMaxBytes();
  return {};
}

// GetXattrRequest and RemoveXattrRequest.
template <typename Named>
Result<void> get_named(Named& out, wire::Xattr::Reader in) {
  out.handle = HandleId{in.getHandle()};
  out.name = as_view(in.getName());
  return {};
}

Result<void> get(SetXattrRequest& out, wire::Xattr::Reader in) {
  out.value = as_view(in.getValue());
  out.flags = in.getFlags();
  return get_named(out, in);
}

Result<void> get(ConnectRequest& out, wire::Connect::Reader in) {
  out.handle = HandleId{in.getHandle()};
  out.type = in.getType();
  return {};
}

template <typename Targeted>
Result<void> get_target(RequestBody& out, wire::Target::Reader in) {
  out.emplace<Targeted>().handle = HandleId{in.getHandle()};
  return {};
}

Result<void> get_body(RequestBody& out, wire::Request::Reader in) {
  switch (in.which()) {
    case wire::Request::ATTACH:
      out.emplace<AttachRequest>(AttachRequest{in.getAttach().getVersion(), in.getAttach().getWatch()});
      return {};
    case wire::Request::WALK:
      return get(out.emplace<WalkRequest>(), in.getWalk());
    case wire::Request::GET_ATTRIBUTES:
      return get_target<GetAttributesRequest>(out, in.getGetAttributes());
    case wire::Request::SET_ATTRIBUTES:
      return get(out.emplace<SetAttributesRequest>(), in.getSetAttributes());
    case wire::Request::OPEN:
      return get(out.emplace<OpenRequest>(), in.getOpen());
    case wire::Request::CREATE:
      return get_create(out.emplace<CreateRequest>(), in.getCreate());
    case wire::Request::CREATE_UNNAMED:
      return get_create(out.emplace<CreateUnnamedRequest>(), in.getCreateUnnamed());
    case wire::Request::MAKE_DIRECTORY:
      return get(out.emplace<MakeDirectoryRequest>().node, in.getMakeDirectory());
    case wire::Request::MAKE_NODE:
      return get(out.emplace<MakeNodeRequest>().node, in.getMakeNode());
    case wire::Request::MAKE_SYMLINK:
      return get(out.emplace<MakeSymlinkRequest>(), in.getMakeSymlink());
    case wire::Request::LINK:
      return get(out.emplace<LinkRequest>(), in.getLink());
    case wire::Request::READ_LINK:
      return get_target<ReadLinkRequest>(out, in.getReadLink());
    case wire::Request::UNLINK:
      return get(out.emplace<UnlinkRequest>(), in.getUnlink());
    case wire::Request::RENAME:
      return get(out.emplace<RenameRequest>(), in.getRename());
    case wire::Request::READ_DIRECTORY:
      return get(out.emplace<ReadDirectoryRequest>(), in.getReadDirectory());
    case wire::Request::STAT_FILE_SYSTEM:
      return get_target<StatFileSystemRequest>(out, in.getStatFileSystem());
    case wire::Request::SYNCHRONIZE:
      return get_target<SynchronizeRequest>(out, in.getSynchronize());
    case wire::Request::GET_XATTR:
      return get_named(out.emplace<GetXattrRequest>(), in.getGetXattr());
    case wire::Request::SET_XATTR:
      return get(out.emplace<SetXattrRequest>(), in.getSetXattr());
    case wire::Request::LIST_XATTR:
      return get_target<ListXattrRequest>(out, in.getListXattr());
    case wire::Request::REMOVE_XATTR:
      return get_named(out.emplace<RemoveXattrRequest>(), in.getRemoveXattr());
    case wire::Request::CONNECT:
      return get(out.emplace<ConnectRequest>(), in.getConnect());
    case wire::Request::CLOSE:
      out.emplace<CloseRequest>();
      return {};
    case wire::Request::FLUSH:
      out.emplace<FlushRequest>();
      return {};
    case wire::Request::HOLD:
      return get_target<HoldRequest>(out, in.getHold());
  }
  return Errno(EPROTO);  // an operation of a later version
}

}  // namespace

Result<void> decode(std::span<const std::byte> packet, Request& out) {
  return read_packet<wire::Request>(packet, [&](wire::Request::Reader in) -> Result<void> {
    out.id = in.getId();
    out.processor = in.getProcessor();
    out.closed.clear();
    TRY(get(out.closed, in.getClosed()));
    return get_body(out.body, in);
  });
}

}  // namespace runsc::gofer
