#include "boot/socket/unix/unix_address.h"

#include <sys/un.h>

#include <cstddef>

namespace runsc {

constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

Result<UnixAddress> UnixAddress::parse(const SocketAddress& address) {
  if (address.length < sizeof(sa_family_t) || address.length > sizeof(sockaddr_un) || address.family() != AF_UNIX)
    return Errno(EINVAL);
  const auto* path = reinterpret_cast<const char*>(address.bytes.data()) + kPathOffset;
  const std::size_t length = address.length - kPathOffset;
  if (length == 0) return UnixAddress{};
  if (path[0] == '\0') return UnixAddress{std::string(path, length)};
  return UnixAddress{std::string(path, ::strnlen(path, length))};
}

SocketAddress UnixAddress::to_socket_address() const {
  SocketAddress address;
  const sa_family_t family = AF_UNIX;
  std::memcpy(address.bytes.data(), &family, sizeof family);
  std::memcpy(address.bytes.data() + kPathOffset, text.data(), text.size());
  // A path is told with its NUL, even where sun_path has no room for that.
  address.length = kPathOffset + text.size() + (text.empty() || abstract() ? 0 : 1);
  return address;
}

SocketAddress to_socket_address(const UnixAddressPtr& address) {
  return (address ? *address : UnixAddress{}).to_socket_address();
}

}  // namespace runsc
