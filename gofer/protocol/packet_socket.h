// One end of a connection: a Unix seqpacket socket that carries packets and at most one descriptor with each.
#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc::gofer {

// Blocking. Different threads may send and receive at the same time; two may not send (or receive) at once, if packets
// are to match replies.
class PacketSocket {
 public:
  explicit PacketSocket(UniqueFd socket) : socket_(std::move(socket)) {}

  // Sends one packet; `descriptor` (borrowed; -1: none) travels with it. EPIPE when the peer is gone.
  Result<void> send(std::span<const std::byte> packet, int descriptor = -1);

  // Receives one packet into `buffer`; 0 bytes: the peer is gone. EPROTO when the packet is longer than the buffer, or
  // when a descriptor comes with it, which is then not in our table.
  Result<std::size_t> receive(std::span<std::byte> buffer);

  // The same for the side that expects descriptors: `descriptor` becomes what came, close-on-exec, or stays empty.
  // EPROTO when there were several.
  Result<std::size_t> receive(std::span<std::byte> buffer, UniqueFd& descriptor);

  // Makes every present and later call, of the peer too, see a peer that is gone. Any thread.
  void shut_down();

 private:
  UniqueFd socket_;
};

struct SocketPair {
  UniqueFd client;
  UniqueFd server;
};

// Two connected ends, close-on-exec, with room for the largest message whatever the host's defaults are.
Result<SocketPair> make_socket_pair();

}  // namespace runsc::gofer
