// What the sockets of one sandbox share: which families there are, and network namespaces.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "boot/base/lock.h"
#include "boot/socket/socket.h"

namespace runsc {

class UnixSocket;

// network_namespaces(7), as far as it is not a family's own.
class NetworkNamespace {
 public:
  // The abstract names of Unix sockets (unix(7)), by type and name. Sockets remove theirs before they end.
  using UnixNames = std::map<std::pair<int, std::string>, std::weak_ptr<UnixSocket>>;
  Guarded<UnixNames, LockLevel::kSocketTable> unix_names;

  // Below it bind(2) wants CAP_NET_BIND_SERVICE. The host lets the boot process have any port of a namespace that is
  // the container's own; who in the sandbox may is decided here.
  // Set before the first task runs, as what follows.
  int unprivileged_port_start = 1024;
  // The groups that may have ping sockets (net.ipv4.ping_group_range); none if the last is less than the first.
  unsigned first_ping_group = 1, last_ping_group = 0;

  // Of all Unix sockets in the namespace.
  const InFlightCount passed_files = std::make_shared<std::atomic<int>>(0);
};
using NetworkNamespacePtr = std::shared_ptr<NetworkNamespace>;

// What socket(2) asks for. `type` without flags.
struct NewSocket {
  int type = 0;
  int protocol = 0;
  int flags = 0;  // O_NONBLOCK
  AnonymousIdentity identity;
  NetworkNamespacePtr network;
  std::uint64_t second_inode = 0;  // of the other one of a pair
};

struct SocketFamily {
  // ESOCKTNOSUPPORT: type; EPROTONOSUPPORT: protocol; EPERM: raw sockets without CAP_NET_RAW. `task` is borrowed.
  std::function<Result<SocketPtr>(CurrentTask& task, const NewSocket&)> make;
  // socketpair(2); empty: EOPNOTSUPP.
  std::function<Result<std::pair<SocketPtr, SocketPtr>>(CurrentTask& task, const NewSocket&)> make_pair;
};

// Filled while the sandbox starts; constant afterwards.
class SocketServices {
 public:
  void add(int family, SocketFamily functions) { families_.insert_or_assign(family, std::move(functions)); }
  // Null: EAFNOSUPPORT.
  const SocketFamily* find(int family) const {
    const auto it = families_.find(family);
    return it != families_.end() ? &it->second : nullptr;
  }
  const NetworkNamespacePtr& default_network() const { return default_network_; }

  // netdevice(7): ioctl(2) about network interfaces. Empty: there is no network. ENOTTY: not such a command.
  std::function<Result<std::int64_t>(CurrentTask&, std::uint32_t command, std::uint64_t argument)> interface_ioctl;

 private:
  std::map<int, SocketFamily> families_;
  const NetworkNamespacePtr default_network_ = std::make_shared<NetworkNamespace>();
};

}  // namespace runsc
