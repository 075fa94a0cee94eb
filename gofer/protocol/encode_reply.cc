#include "gofer/protocol/codec.h"
#include "gofer/protocol/gofer.capnp.h"
#include "gofer/protocol/packet_codec.h"

namespace runsc::gofer {
namespace {

void put(wire::Attributes::Builder out, const FileAttributes& in) {
  out.setInode(in.inode);
  out.setSize(in.size);
  out.setBlocks(in.blocks);
  out.setMode(in.mode);
  out.setLinkCount(in.link_count);
  out.setUid(in.uid);
  out.setGid(in.gid);
  out.setBlockSize(in.block_size);
  out.setDeviceMajor(in.device_major);
  out.setDeviceMinor(in.device_minor);
  out.setRdevMajor(in.rdev_major);
  out.setRdevMinor(in.rdev_minor);
  out.setAccessSeconds(in.access.seconds);
  out.setAccessNanoseconds(in.access.nanoseconds);
  out.setModifySeconds(in.modify.seconds);
  out.setModifyNanoseconds(in.modify.nanoseconds);
  out.setChangeSeconds(in.change.seconds);
  out.setChangeNanoseconds(in.change.nanoseconds);
  out.setBirthSeconds(in.birth.seconds);
  out.setBirthNanoseconds(in.birth.nanoseconds);
  out.setHasBirth(in.has_birth);
  out.setFlags(in.flags);
  out.setWatch(in.watch);
}

void put(wire::Reply::Builder out, const DoneReply&) { out.setDone(); }

void put(wire::Reply::Builder out, const AttachedReply& in) {
  auto attached = out.initAttached();
  put(attached.initRoot(), in.root);
  attached.setReadOnly(in.read_only);
  attached.setMaxHandles(in.max_handles);
  attached.setWatching(in.watching);
}

void put(wire::Reply::Builder out, const WalkedReply& in) {
  auto walked = out.initWalked();
  auto nodes = walked.initNodes(in.nodes.size());
  for (unsigned i = 0; i < nodes.size(); ++i) put(nodes[i], in.nodes[i]);
  walked.setError(static_cast<std::uint16_t>(in.error));
}

void put(wire::Reply::Builder out, const NodeReply& in) { put(out.initNode(), in.attributes); }
void put(wire::Reply::Builder out, const DataReply& in) { out.setData(as_data(in.data)); }

void put(wire::Reply::Builder out, const EntriesReply& in) {
  auto reply = out.initEntries();
  reply.setNextCookie(in.next_cookie);
  reply.setEnd(in.end);
  auto entries = reply.initEntries(in.entries.size());
  for (unsigned i = 0; i < entries.size(); ++i) {
    auto entry = entries[i];
    entry.setInode(in.entries[i].inode);
    entry.setCookie(in.entries[i].cookie);
    entry.setType(in.entries[i].type);
    entry.setName(as_data(in.entries[i].name));
  }
}

void put(wire::Reply::Builder out, const FileSystemReply& in) {
  auto info = out.initFileSystem();
  info.setType(in.info.type);
  info.setBlockSize(in.info.block_size);
  info.setBlocks(in.info.blocks);
  info.setBlocksFree(in.info.blocks_free);
  info.setBlocksAvailable(in.info.blocks_available);
  info.setFiles(in.info.files);
  info.setFilesFree(in.info.files_free);
  info.setNameLength(in.info.name_length);
  info.setFragmentSize(in.info.fragment_size);
  info.setFlags(in.info.flags);
  info.setId(in.info.id);
}

}  // namespace

Result<std::span<const std::byte>> encode(const Reply& reply, PacketBuffer& buffer) {
  return catch_kj(Errno(EMSGSIZE), [&]() -> Result<std::span<const std::byte>> {
    PacketBuilder builder(buffer);
    auto root = builder.initRoot<wire::Reply>();
    root.setId(reply.id);
    root.setError(static_cast<std::uint16_t>(reply.error));
    std::visit([&](const auto& body) { put(root, body); }, reply.body);
    return builder.finish();
  });
}

}  // namespace runsc::gofer
