// Private to the codec: one Cap'n Proto segment in a PacketBuffer, and the edge that turns exceptions into errors.
#pragma once

#include <capnp/message.h>
#include <kj/exception.h>

#include <cstring>
#include <span>
#include <string_view>

#include "boot/base/result.h"
#include "gofer/protocol/messages.h"
#include "gofer/protocol/packet_buffer.h"

namespace runsc::gofer {

// Builds a message in the buffer, and nowhere else: a message that needs a second segment is too long.
class PacketBuilder final : public capnp::MessageBuilder {
 public:
  explicit PacketBuilder(PacketBuffer& buffer) : buffer_(buffer) {
    std::memset(static_cast<void*>(buffer_.words()), 0, buffer_.dirty_words * sizeof(capnp::word));
    buffer_.dirty_words = PacketBuffer::kWords;  // until finish() knows better
  }

  kj::ArrayPtr<capnp::word> allocateSegment(capnp::uint minimum_words) override {
    if (allocated_ || minimum_words > PacketBuffer::kWords)
      kj::throwFatalException(KJ_EXCEPTION(FAILED, "the message is longer than a packet"));
    allocated_ = true;
    return kj::arrayPtr(buffer_.words(), PacketBuffer::kWords);
  }

  std::span<const std::byte> finish() {
    const auto segments = getSegmentsForOutput();
    buffer_.dirty_words = segments[0].size();
    return std::as_bytes(std::span(buffer_.words(), segments[0].size()));
  }

 private:
  PacketBuffer& buffer_;
  bool allocated_ = false;
};

// Runs `body`; `failure` if it throws what Cap'n Proto throws.
template <typename Body>
auto catch_kj(Errno failure, Body&& body) -> decltype(body()) {
  try {
    return body();
  } catch (const kj::Exception&) {
    return failure;
  }
}

// Calls `use` with the message's root struct.
template <typename Root, typename Use>
Result<void> read_packet(std::span<const std::byte> packet, Use&& use) {
  if (packet.empty() || packet.size() > kMaxMessageBytes || packet.size() % sizeof(capnp::word) != 0)
    return Errno(EPROTO);
  const kj::ArrayPtr<const capnp::word> words(reinterpret_cast<const capnp::word*>(packet.data()),
                                              packet.size() / sizeof(capnp::word));
  return catch_kj(Errno(EPROTO), [&]() -> Result<void> {
    capnp::ReaderOptions options;
    // Each word may be read about once: pointers that share a target cannot make a short message expensive.
    options.traversalLimitInWords = words.size() + 64;
    options.nestingLimit = 8;
    const kj::ArrayPtr<const capnp::word> segments[] = {words};
    capnp::SegmentArrayMessageReader reader(segments, options);
    return use(reader.getRoot<Root>());
  });
}

inline capnp::Data::Reader as_data(std::string_view text) {
  return {reinterpret_cast<const kj::byte*>(text.data()), text.size()};
}

inline std::string_view as_view(capnp::Data::Reader data) {
  return {reinterpret_cast<const char*>(data.begin()), data.size()};
}

inline std::uint32_t as_number(HandleId id) { return static_cast<std::uint32_t>(id); }

}  // namespace runsc::gofer
