#include "gofer/protocol/codec.h"
#include "gofer/protocol/gofer.capnp.h"
#include "gofer/protocol/packet_codec.h"

namespace runsc::gofer {
namespace {

// The highest of Linux (EHWPOISON). Kernel-internal numbers (ERESTARTSYS ..) would mean something to the client.
constexpr int kMaxErrno = 133;

Timestamp get_time(std::int64_t seconds, std::uint32_t nanoseconds) { return {seconds, nanoseconds}; }

void get(FileAttributes& out, wire::Attributes::Reader in) {
  out.inode = in.getInode();
  out.size = in.getSize();
  out.blocks = in.getBlocks();
  out.mode = in.getMode();
  out.link_count = in.getLinkCount();
  out.uid = in.getUid();
  out.gid = in.getGid();
  out.block_size = in.getBlockSize();
  out.device_major = in.getDeviceMajor();
  out.device_minor = in.getDeviceMinor();
  out.rdev_major = in.getRdevMajor();
  out.rdev_minor = in.getRdevMinor();
  out.access = get_time(in.getAccessSeconds(), in.getAccessNanoseconds());
  out.modify = get_time(in.getModifySeconds(), in.getModifyNanoseconds());
  out.change = get_time(in.getChangeSeconds(), in.getChangeNanoseconds());
  out.birth = get_time(in.getBirthSeconds(), in.getBirthNanoseconds());
  out.has_birth = in.getHasBirth();
  out.flags = in.getFlags();
  out.watch = in.getWatch();
}

Result<void> get(WalkedReply& out, wire::Walked::Reader in) {
  const auto nodes = in.getNodes();
  if (nodes.size() > kMaxWalk || in.getError() > kMaxErrno) return Errno(EPROTO);
  out.error = in.getError();
  out.nodes.resize(nodes.size());
  for (unsigned i = 0; i < nodes.size(); ++i) get(out.nodes[i], nodes[i]);
  return {};
}

Result<void> get(EntriesReply& out, wire::Entries::Reader in) {
  const auto entries = in.getEntries();
  if (entries.size() > kMaxDirectoryBytes / kMinHostEntryBytes) return Errno(EPROTO);
  out.next_cookie = in.getNextCookie();
  out.end = in.getEnd();
  out.entries.reserve(entries.size());
  for (const auto entry : entries)
    out.entries.push_back({entry.getInode(), entry.getCookie(), entry.getType(), as_view(entry.getName())});
  return {};
}

void get(FileSystemInfo& out, wire::FileSystem::Reader in) {
  out.type = in.getType();
  out.block_size = in.getBlockSize();
  out.blocks = in.getBlocks();
  out.blocks_free = in.getBlocksFree();
  out.blocks_available = in.getBlocksAvailable();
  out.files = in.getFiles();
  out.files_free = in.getFilesFree();
  out.name_length = in.getNameLength();
  out.fragment_size = in.getFragmentSize();
  out.flags = in.getFlags();
  out.id = in.getId();
}

Result<void> get(AttachedReply& out, wire::Attached::Reader in) {
  get(out.root, in.getRoot());
  out.read_only = in.getReadOnly();
  out.max_handles = in.getMaxHandles();
  out.watching = in.getWatching();
  return {};
}

Result<void> get_body(ReplyBody& out, wire::Reply::Reader in) {
  switch (in.which()) {
    case wire::Reply::DONE:
      out.emplace<DoneReply>();
      return {};
    case wire::Reply::ATTACHED:
      return get(out.emplace<AttachedReply>(), in.getAttached());
    case wire::Reply::WALKED:
      return get(out.emplace<WalkedReply>(), in.getWalked());
    case wire::Reply::NODE:
      get(out.emplace<NodeReply>().attributes, in.getNode());
      return {};
    case wire::Reply::DATA:
      out.emplace<DataReply>().data = as_view(in.getData());
      return {};
    case wire::Reply::ENTRIES:
      return get(out.emplace<EntriesReply>(), in.getEntries());
    case wire::Reply::FILE_SYSTEM:
      get(out.emplace<FileSystemReply>().info, in.getFileSystem());
      return {};
  }
  return Errno(EPROTO);
}

}  // namespace

Result<void> decode(std::span<const std::byte> packet, Reply& out) {
  return read_packet<wire::Reply>(packet, [&](wire::Reply::Reader in) -> Result<void> {
    out.id = in.getId();
    out.error = in.getError();
    if (out.error > kMaxErrno || (out.error != 0 && in.which() != wire::Reply::DONE)) return Errno(EPROTO);
    return get_body(out.body, in);
  });
}

}  // namespace runsc::gofer
