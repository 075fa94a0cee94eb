// Socket addresses as bind(2) and its relatives carry them.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>

namespace runsc {

// A struct sockaddr of any family, copied from or for the application.
struct SocketAddress {
  std::array<std::byte, sizeof(sockaddr_storage)> bytes{};
  unsigned length = 0;  // at most bytes.size()

  // AF_UNSPEC when it is too short to have one.
  int family() const {
    sa_family_t value = AF_UNSPEC;
    if (length >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  std::span<const std::byte> used() const { return std::span(bytes).first(length); }
  static SocketAddress of(std::span<const std::byte> from) {
    SocketAddress address;
    address.length = static_cast<unsigned>(std::min(from.size(), address.bytes.size()));
    std::memcpy(address.bytes.data(), from.data(), address.length);
    return address;
  }
};

}  // namespace runsc
