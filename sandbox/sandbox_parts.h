// The descriptors from which a sandbox is made, before its processes exist.
#pragma once

#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "boot/loader/container_config.h"

namespace runsc {

// The configuration in a memfd that nobody can change any more.
UniqueFd make_config_file(const ContainerConfig& config);

// A listening stream socket at `path`, which only its owner may connect to. A path of any length.
UniqueFd make_control_socket(const std::string& path);

struct ConnectionPair {
  UniqueFd boot;
  UniqueFd gofer;
};
std::vector<ConnectionPair> make_connections(std::size_t count);

// An unnamed file in each directory; it is gone with its last descriptor.
std::vector<UniqueFd> make_overlay_stores(const std::vector<std::string>& directories);

// The descriptors of others, borrowed.
std::vector<int> borrow(const std::vector<UniqueFd>& fds);

}  // namespace runsc
