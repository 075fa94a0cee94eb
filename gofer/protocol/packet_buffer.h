// Memory for one packet, used again and again: no heap memory on the path of a message.
#pragma once

#include <capnp/common.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "gofer/protocol/limits.h"

namespace runsc::gofer {

// Aligned and sized for the largest packet. Not for several threads at once.
class PacketBuffer {
 public:
  static constexpr std::size_t kWords = kMaxMessageBytes / sizeof(capnp::word);

  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(*words_)); }
  capnp::word* words() { return words_->data(); }

  // How many words may be other than zero; kept by the encoder, which needs zeroed memory.
  std::size_t dirty_words = 0;

 private:
  using Words = std::array<capnp::word, kWords>;
  std::unique_ptr<Words> words_ = std::make_unique<Words>();
};

}  // namespace runsc::gofer
