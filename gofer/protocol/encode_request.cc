#include "gofer/protocol/codec.h"
#include "gofer/protocol/gofer.capnp.h"
#include "gofer/protocol/packet_codec.h"

namespace runsc::gofer {
namespace {

void put(wire::NewNode::Builder out, const NewNode& node) {
  out.setDirectory(as_number(node.directory));
  out.setName(as_data(node.name));
  out.setMode(node.mode);
  out.setUid(node.uid);
  out.setGid(node.gid);
  out.setHandle(as_number(node.handle));
}

void put(wire::Request::Builder out, const AttachRequest& in) {
  auto attach = out.initAttach();
  attach.setVersion(in.version);
  attach.setWatch(in.watch);
}

void put(wire::Request::Builder out, const WalkRequest& in) {
  auto walk = out.initWalk();
  walk.setFrom(as_number(in.from));
  auto names = walk.initNames(in.names.size());
  for (unsigned i = 0; i < names.size(); ++i) names.set(i, as_data(in.names[i]));
  auto handles = walk.initHandles(in.handles.size());
  for (unsigned i = 0; i < handles.size(); ++i) handles.set(i, as_number(in.handles[i]));
  walk.setHold(in.hold);
}

void put(wire::Request::Builder out, const GetAttributesRequest& in) {
  out.initGetAttributes().setHandle(as_number(in.handle));
}

void put(wire::Request::Builder out, const HoldRequest& in) { out.initHold().setHandle(as_number(in.handle)); }

wire::TimeChange wire_kind(TimeChangeKind kind) {
  switch (kind) {
    case TimeChangeKind::kKeep:
      return wire::TimeChange::KEEP;
    case TimeChangeKind::kNow:
      return wire::TimeChange::NOW;
    case TimeChangeKind::kSet:
      return wire::TimeChange::SET;
  }
  return wire::TimeChange::KEEP;
}

void put(wire::Request::Builder out, const SetAttributesRequest& in) {
  auto set = out.initSetAttributes();
  const AttributeChange& change = in.change;
  set.setHandle(as_number(in.handle));
  set.setValid((change.mode ? 1 : 0) | (change.uid ? 2 : 0) | (change.gid ? 4 : 0) | (change.size ? 8 : 0));
  set.setMode(change.mode.value_or(0));
  set.setUid(change.uid.value_or(0));
  set.setGid(change.gid.value_or(0));
  set.setSize(change.size.value_or(0));
  set.setAccessChange(wire_kind(change.access.kind));
  set.setAccessSeconds(change.access.time.seconds);
  set.setAccessNanoseconds(change.access.time.nanoseconds);
  set.setModifyChange(wire_kind(change.modify.kind));
  set.setModifySeconds(change.modify.time.seconds);
  set.setModifyNanoseconds(change.modify.time.nanoseconds);
}

void put(wire::Request::Builder out, const OpenRequest& in) {
  auto open = out.initOpen();
  open.setHandle(as_number(in.handle));
  open.setFlags(in.flags);
}

void put(wire::Request::Builder out, const CreateRequest& in) {
  auto create = out.initCreate();
  put(create.initNode(), in.node);
  create.setFlags(in.flags);
}

void put(wire::Request::Builder out, const CreateUnnamedRequest& in) {
  auto create = out.initCreateUnnamed();
  put(create.initNode(), in.node);
  create.setFlags(in.flags);
}

void put(wire::Request::Builder out, const MakeDirectoryRequest& in) { put(out.initMakeDirectory(), in.node); }
void put(wire::Request::Builder out, const MakeNodeRequest& in) { put(out.initMakeNode(), in.node); }

void put(wire::Request::Builder out, const MakeSymlinkRequest& in) {
  auto symlink = out.initMakeSymlink();
  put(symlink.initNode(), in.node);
  symlink.setTarget(as_data(in.target));
}

void put(wire::Request::Builder out, const LinkRequest& in) {
  auto link = out.initLink();
  link.setTarget(as_number(in.target));
  link.setDirectory(as_number(in.directory));
  link.setName(as_data(in.name));
}

void put(wire::Request::Builder out, const ReadLinkRequest& in) { out.initReadLink().setHandle(as_number(in.handle)); }

void put(wire::Request::Builder out, const UnlinkRequest& in) {
  auto unlink = out.initUnlink();
  unlink.setDirectory(as_number(in.directory));
  unlink.setName(as_data(in.name));
  unlink.setIsDirectory(in.is_directory);
}

void put(wire::Request::Builder out, const RenameRequest& in) {
  auto rename = out.initRename();
  rename.setOldDirectory(as_number(in.old_directory));
  rename.setOldName(as_data(in.old_name));
  rename.setNewDirectory(as_number(in.new_directory));
  rename.setNewName(as_data(in.new_name));
  rename.setFlags(in.flags);
}

void put(wire::Request::Builder out, const ReadDirectoryRequest& in) {
  auto read = out.initReadDirectory();
  read.setHandle(as_number(in.handle));
  read.setCookie(in.cookie);
  read.setMaxBytes(in.max_bytes);
}

void put(wire::Request::Builder out, const StatFileSystemRequest& in) {
  out.initStatFileSystem().setHandle(as_number(in.handle));
}

void put(wire::Request::Builder out, const SynchronizeRequest& in) {
  out.initSynchronize().setHandle(as_number(in.handle));
}

void put(wire::Request::Builder out, const GetXattrRequest& in) {
  auto xattr = out.initGetXattr();
  xattr.setHandle(as_number(in.handle));
  xattr.setName(as_data(in.name));
}

void put(wire::Request::Builder out, const SetXattrRequest& in) {
  auto xattr = out.initSetXattr();
  xattr.setHandle(as_number(in.handle));
  xattr.setName(as_data(in.name));
  xattr.setValue(as_data(in.value));
  xattr.setFlags(in.flags);
}

void put(wire::Request::Builder out, const ListXattrRequest& in) {
  out.initListXattr().setHandle(as_number(in.handle));
}

void put(wire::Request::Builder out, const RemoveXattrRequest& in) {
  auto xattr = out.initRemoveXattr();
  xattr.setHandle(as_number(in.handle));
  xattr.setName(as_data(in.name));
}

void put(wire::Request::Builder out, const ConnectRequest& in) {
  auto connect = out.initConnect();
  connect.setHandle(as_number(in.handle));
  connect.setType(in.type);
}

void put(wire::Request::Builder out, const CloseRequest&) { out.setClose(); }
void put(wire::Request::Builder out, const FlushRequest&) { out.setFlush(); }

}  // namespace

Result<std::span<const std::byte>> encode(const Request& request, PacketBuffer& buffer) {
  return catch_kj(Errno(EMSGSIZE), [&]() -> Result<std::span<const std::byte>> {
    PacketBuilder builder(buffer);
    auto root = builder.initRoot<wire::Request>();
    root.setId(request.id);
    root.setProcessor(request.processor);
    if (!request.closed.empty()) {
      auto closed = root.initClosed(request.closed.size());
      for (unsigned i = 0; i < closed.size(); ++i) closed.set(i, as_number(request.closed[i]));
    }
    std::visit([&](const auto& body) { put(root, body); }, request.body);
    return builder.finish();
  });
}

}  // namespace runsc::gofer
