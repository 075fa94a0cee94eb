// Memory for one packet, used again and again: no heap memory on the path of a message.
#pragma once

#include <capnp/common.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>

#include "gofer/protocol/limits.h"

namespace runsc::gofer {

// Aligned and sized for the largest packet. Not for several threads at once.
//
// Pages of its own, which cost memory only once they are written to: few packets are longer than a page, the largest
// are 18, and each mount of each sandbox has four buffers.
class PacketBuffer {
 public:
  static constexpr std::size_t kWords = kMaxMessageBytes / sizeof(capnp::word);

  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(words(), kWords)); }
  capnp::word* words() { return words_.get(); }

  // How many words may be other than zero; kept by the encoder, which needs zeroed memory.
  std::size_t dirty_words = 0;

 private:
  struct Unmap {
    void operator()(capnp::word* words) const { ::munmap(words, kWords * sizeof(capnp::word)); }
  };
  using Words = std::unique_ptr<capnp::word, Unmap>;

  static Words map_zeros() {
    void* at =
        ::mmap(nullptr, kWords * sizeof(capnp::word), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) std::abort();  // as for any other memory that there is not
    return Words(static_cast<capnp::word*>(at));
  }

  Words words_ = map_zeros();
};

}  // namespace runsc::gofer
