// The loop of one connection.
#pragma once

#include "gofer/protocol/packet_socket.h"
#include "gofer/server/session.h"

namespace runsc::gofer {

// Answers requests until the peer is gone or breaks the protocol; then shuts the connection down.
void serve_connection(PacketSocket socket, Session& session);

}  // namespace runsc::gofer
