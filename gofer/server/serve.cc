#include "gofer/server/serve.h"

#include "boot/base/log.h"
#include "gofer/protocol/processor.h"

namespace runsc::gofer {
namespace {

// Follows the client from processor to processor. It may name any: the host's limits for this process hold.
class Follower {
 public:
  void follow(std::uint16_t processor) {
    if (processor == kAnyProcessor || processor == last_) return;
    last_ = processor;
    StayHere::move_to(processor);
  }

 private:
  std::uint16_t last_ = kAnyProcessor;
};

// False when the peer is gone.
Result<bool> serve_one(PacketSocket& socket, Session& session, PacketBuffer& incoming, Follower& follower) {
  const std::size_t size = TRY(socket.receive(incoming.bytes()));
  if (size == 0) return false;
  const std::optional<Answer> answer = TRY(session.handle_packet(incoming.bytes().first(size)));
  follower.follow(session.client_processor());
  if (answer) TRY(socket.send(answer->packet, answer->descriptor.get()));
  return true;
}

bool peer_left(Errno error) { return error == Errno(EPIPE) || error == Errno(ECONNRESET); }

}  // namespace

void serve_connection(PacketSocket socket, Session& session) {
  PacketBuffer incoming;
  Follower follower;
  while (true) {
    const Result<bool> served = serve_one(socket, session, incoming, follower);
    if (served.ok() && *served) continue;
    if (!served.ok() && !peer_left(served.error()))
      LOG(WARNING) << "gofer connection ended: " << errno_name(served.error());
    break;
  }
  socket.shut_down();
}

}  // namespace runsc::gofer
