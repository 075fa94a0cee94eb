// Between packets and the plain values of messages.h. The only place that sees Cap'n Proto, and the edge at which the
// exceptions that it throws for malformed messages end.
#pragma once

#include <cstddef>
#include <span>

#include "boot/base/result.h"
#include "gofer/protocol/messages.h"
#include "gofer/protocol/packet_buffer.h"

namespace runsc::gofer {

// The packet lies in `buffer` and is valid until its next use. EMSGSIZE when the message does not fit.
Result<std::span<const std::byte>> encode(const Request& request, PacketBuffer& buffer);
Result<std::span<const std::byte>> encode(const Reply& reply, PacketBuffer& buffer);

// `packet` is hostile. EPROTO for everything that is not a message within the limits: bad length, bad pointers, unknown
// operation, lists or bytes that are too long. Precondition: `packet` is aligned to 8 bytes.
Result<void> decode(std::span<const std::byte> packet, Request& out);
Result<void> decode(std::span<const std::byte> packet, Reply& out);

}  // namespace runsc::gofer
