// For tests: a client without manners, and the operations of a good one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "gofer/client/connection.h"
#include "gofer/protocol/codec.h"
#include "gofer/protocol/packet_socket.h"

namespace runsc::gofer {

// Sends whatever it is told to, without the client library's checks.
class RawPeer {
 public:
  explicit RawPeer(UniqueFd socket) : fd_(socket.get()), socket_(std::move(socket)) {}

  // The server's error number, or EPIPE when it has ended the connection.
  Result<ReplyBody> call(const RequestBody& body, std::span<const HandleId> closed = {});
  // The same for walks of one name.
  Result<WalkedReply> walk(HandleId from, std::string_view name, HandleId handle);

  Result<void> send(std::span<const std::byte> packet, int descriptor = -1) { return socket_.send(packet, descriptor); }
  // Waits for the server's end of the connection.
  bool is_ended();
  int fd() const { return fd_; }
  // What came with the last reply.
  UniqueFd descriptor;

 private:
  int fd_;
  PacketSocket socket_;
  PacketBuffer outgoing_;
  PacketBuffer incoming_;
  Reply reply_;
  std::uint32_t next_id_ = 100;
};

// Uses every operation of the protocol once, successfully, in a mount that is a writable directory and allows
// everything. `directory` is its path; the working directory is changed to it.
Result<void> exercise_everything(GoferConnection& gofer, const std::string& directory);

}  // namespace runsc::gofer
