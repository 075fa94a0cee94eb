#include "gofer/server/serve.h"

#include "boot/base/log.h"

namespace runsc::gofer {
namespace {

// False when the peer is gone.
Result<bool> serve_one(PacketSocket& socket, Session& session, PacketBuffer& incoming) {
  const std::size_t size = TRY(socket.receive(incoming.bytes()));
  if (size == 0) return false;
  const std::optional<Answer> answer = TRY(session.handle_packet(incoming.bytes().first(size)));
  if (answer) TRY(socket.send(answer->packet, answer->descriptor.get()));
  return true;
}

bool peer_left(Errno error) { return error == Errno(EPIPE) || error == Errno(ECONNRESET); }

}  // namespace

void serve_connection(PacketSocket socket, Session& session) {
  PacketBuffer incoming;
  while (true) {
    const Result<bool> served = serve_one(socket, session, incoming);
    if (served.ok() && *served) continue;
    if (!served.ok() && !peer_left(served.error()))
      LOG(WARNING) << "gofer connection ended: " << errno_name(served.error());
    break;
  }
  socket.shut_down();
}

}  // namespace runsc::gofer
