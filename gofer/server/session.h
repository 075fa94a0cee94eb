// One connection's state and the operations on it, without the socket: packets in, packets out.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"
#include "gofer/protocol/codec.h"
#include "gofer/protocol/messages.h"
#include "gofer/protocol/names.h"
#include "gofer/protocol/packet_buffer.h"
#include "gofer/server/directory_watches.h"
#include "gofer/server/handle_table.h"

namespace runsc::gofer {

// What a mount lets its peer do.
struct MountPolicy {
  bool read_only = false;           // every change: EROFS
  bool allow_unix_connect = false;  // connect to sockets in the tree; else ECONNREFUSED
  bool allow_fifo_open = false;     // open FIFOs in the tree; else EPERM
};

struct SessionConfig {
  UniqueFd root;          // O_PATH, of any type
  int proc_self_fd = -1;  // O_PATH of /proc/self/fd; borrowed for the life of the session
  MountPolicy policy;
  std::uint32_t max_handles = 4096;
};

// The packet to send, and what travels with it.
struct Answer {
  std::span<const std::byte> packet;  // in the session's buffer; valid until the next handle_packet
  UniqueFd descriptor;
};

// Used by one thread. Nothing a packet holds can make it crash, leave its root, or allocate without bound.
class Session {
 public:
  // EBADF etc. when the root cannot be examined.
  static Result<std::unique_ptr<Session>> create(SessionConfig config);

  // Carries out one request. No value: nothing is to be sent. EPROTO: the connection must be ended.
  // Precondition: `packet` is aligned to 8 bytes.
  Result<std::optional<Answer>> handle_packet(std::span<const std::byte> packet);

  // Where the client of the last packet waits (processor.h).
  std::uint16_t client_processor() const { return request_.processor; }

 private:
  explicit Session(SessionConfig config);

  // One for each operation of gofer.capnp. They may leave a descriptor in donated_.
  Result<ReplyBody> handle(const AttachRequest& request);
  Result<ReplyBody> handle(const WalkRequest& request);
  Result<ReplyBody> handle(const GetAttributesRequest& request);
  Result<ReplyBody> handle(const SetAttributesRequest& request);
  Result<ReplyBody> handle(const OpenRequest& request);
  Result<ReplyBody> handle(const CreateRequest& request);
  Result<ReplyBody> handle(const CreateUnnamedRequest& request);
  Result<ReplyBody> handle(const MakeDirectoryRequest& request);
  Result<ReplyBody> handle(const MakeNodeRequest& request);
  Result<ReplyBody> handle(const MakeSymlinkRequest& request);
  Result<ReplyBody> handle(const LinkRequest& request);
  Result<ReplyBody> handle(const ReadLinkRequest& request);
  Result<ReplyBody> handle(const UnlinkRequest& request);
  Result<ReplyBody> handle(const RenameRequest& request);
  Result<ReplyBody> handle(const ReadDirectoryRequest& request);
  Result<ReplyBody> handle(const StatFileSystemRequest& request);
  Result<ReplyBody> handle(const SynchronizeRequest& request);
  Result<ReplyBody> handle(const GetXattrRequest& request);
  Result<ReplyBody> handle(const SetXattrRequest& request);
  Result<ReplyBody> handle(const ListXattrRequest& request);
  Result<ReplyBody> handle(const RemoveXattrRequest& request);
  Result<ReplyBody> handle(const ConnectRequest& request);
  Result<ReplyBody> handle(const CloseRequest& request);
  Result<ReplyBody> handle(const FlushRequest& request);
  Result<ReplyBody> handle(const HoldRequest& request);

  Result<Node*> find_directory(HandleId id);
  Result<void> check_writable() const;

  // Gives a node its handle, and watches it if it is a directory: its number is set in `attributes`.
  Result<void> insert(HandleId id, UniqueFd path, FileAttributes& attributes);
  // Leaves in donated_ what a peer can look at a node with.
  Result<void> donate_held(const Node& node);

  // Gives a newly made inode its owner and exact mode, and a handle. The attributes are those after that.
  Result<ReplyBody> adopt(const NewNode& wanted, UniqueFd path);
  Result<ReplyBody> adopt_open_file(const NewNode& wanted, UniqueFd file);
  // What is to be done when a newly made entry could not be given its owner: nothing of it stays.
  Result<ReplyBody> adopt_entry(const NewNode& wanted, int directory, const ComponentName& name, std::uint32_t type);

  // The attributes of a node after its change or use.
  Result<ReplyBody> describe(int fd) const;

  Result<void> change_size(const Node& node, std::uint64_t size);
  Result<void> seek_stream(Node& node, std::uint64_t cookie);
  Result<UniqueFd> open_for_xattr(HandleId id);

  // For raw directory entries, attribute values and link targets on their way into a reply.
  std::span<std::byte> scratch() { return std::as_writable_bytes(std::span(*scratch_)); }

  SessionConfig config_;
  HandleTable handles_;
  DirectoryWatches watches_;
  UniqueFd donated_;
  Request request_;  // a member, because it is large
  PacketBuffer outgoing_;
  using Scratch = std::array<std::uint64_t, kMaxXattrValue / sizeof(std::uint64_t)>;
  // Not zeroed: that would touch 16 pages that few mounts ever need.
  std::unique_ptr<Scratch> scratch_ = std::make_unique_for_overwrite<Scratch>();
};

}  // namespace runsc::gofer
