// Names of Unix sockets (unix(7)).
#pragma once

#include <memory>
#include <string>

#include "boot/base/result.h"
#include "boot/socket/address.h"

namespace runsc {

// sun_path without its terminating NUL; abstract names begin with a NUL. An empty text: unnamed.
struct UnixAddress {
  std::string text;

  bool abstract() const { return !text.empty() && text[0] == '\0'; }
  // EINVAL: another family, or too long or short. An address of the family alone yields an empty text.
  static Result<UnixAddress> parse(const SocketAddress& address);
  SocketAddress to_socket_address() const;
};
using UnixAddressPtr = std::shared_ptr<const UnixAddress>;

// As getsockname(2) tells it; null: unnamed.
SocketAddress to_socket_address(const UnixAddressPtr& address);

}  // namespace runsc
