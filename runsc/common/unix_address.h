// Addresses of Unix sockets whose paths are longer than a sockaddr_un.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "boot/base/unique_fd.h"

namespace runsc {

// The address holds as long as this object does: it refers to the socket through an open descriptor of its directory.
class UnixAddress {
 public:
  // Throws UserError when the directory cannot be opened or the name alone is too long.
  explicit UnixAddress(const std::string& path);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  socklen_t size() const { return sizeof(address_); }

 private:
  UniqueFd directory_;
  sockaddr_un address_{};
};

}  // namespace runsc
