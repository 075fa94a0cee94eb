// What both parsers of the protocol do with arbitrary bytes. An input is a sequence of packets, each behind two bytes
// with its length (little-endian; the last may be cut short).
#pragma once

#include <cstddef>
#include <span>

namespace runsc::gofer {

// As a hostile kernel: the packets go to a session of its own, over a small tree in a directory of its own.
void fuzz_requests(std::span<const std::byte> input);

// As a hostile gofer: the packets are decoded as replies, and checked by the client's rules.
void fuzz_replies(std::span<const std::byte> input);

}  // namespace runsc::gofer
