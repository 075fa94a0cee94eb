#include <netinet/in.h>

#include "boot/kernel/current_task.h"
#include "boot/socket/inet/inet_socket.h"
#include "boot/socket/inet/raw_icmp_socket.h"

namespace runsc {
namespace {

constexpr int kMaxProtocol = 263;  // IPPROTO_MAX of Linux

int usual_protocol(int type) { return type == SOCK_STREAM ? int{IPPROTO_TCP} : int{IPPROTO_UDP}; }
int ping_protocol(int domain) { return domain == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}; }

// The host's protocol for what the application asked for.
Result<int> choose_protocol(int domain, int type, int protocol) {
  if (protocol < 0 || protocol >= kMaxProtocol) return Errno(EINVAL);
  if (type == SOCK_RAW && protocol == 0) return Errno(EPROTONOSUPPORT);
  // Other raw sockets are not even for who has CAP_NET_RAW in the sandbox: the boot process has none that it could
  // lend.
  if (type == SOCK_RAW) return protocol == ping_protocol(domain) ? Result<int>(protocol) : Errno(EPERM);
  if (type != SOCK_STREAM && type != SOCK_DGRAM) return Errno(ESOCKTNOSUPPORT);
  const int usual = usual_protocol(type);
  if (protocol == 0 || protocol == usual) return usual;
  if (type == SOCK_DGRAM && protocol == ping_protocol(domain)) return protocol;
  return Errno(EPROTONOSUPPORT);
}

// icmp(7). Who could make a raw socket on Linux may ping in this way, since raw sockets there are none.
Result<void> check_ping(CurrentTask& task, const NetworkNamespace& network) {
  if (task.capable(CAP_NET_RAW)) return {};
  const Credentials& own = *task.credentials();
  const auto allowed = [&](Gid gid) {
    return raw(gid) >= network.first_ping_group && raw(gid) <= network.last_ping_group;
  };
  if (allowed(own.effective_gid) || std::any_of(own.groups.begin(), own.groups.end(), allowed)) return {};
  return Errno(EACCES);
}

Result<SocketPtr> make_raw(CurrentTask& task, HostPoller& poller, int domain, const NewSocket& wanted) {
  if (!task.capable(CAP_NET_RAW)) return Errno(EPERM);
  UniqueFd host = TRY(make_host_socket(domain, SOCK_DGRAM, wanted.protocol));
  const NewSocket parameters = with_host_inode(host, wanted);
  auto socket = std::make_shared<RawIcmpSocket>(poller, std::move(host), domain, parameters);
  TRY(socket->prepare());
  return SocketPtr(std::move(socket));
}

}  // namespace

SocketFamily inet_family(HostPoller& poller, int domain) {
  SocketFamily family;
  family.make = [&poller, domain](CurrentTask& task, const NewSocket& wanted) -> Result<SocketPtr> {
    NewSocket parameters = wanted;
    parameters.protocol = TRY(choose_protocol(domain, wanted.type, wanted.protocol));
    if (wanted.type == SOCK_RAW) return make_raw(task, poller, domain, parameters);
    if (parameters.protocol == ping_protocol(domain)) TRY(check_ping(task, *wanted.network));
    UniqueFd host = TRY(make_host_socket(domain, wanted.type, parameters.protocol));
    parameters = with_host_inode(host, parameters);
    return SocketPtr(std::make_shared<InetSocket>(poller, std::move(host), domain, parameters));
  };
  return family;
}

SocketFamily packet_family() {
  SocketFamily family;
  family.make = [](CurrentTask&, const NewSocket&) -> Result<SocketPtr> { return Errno(EPERM); };
  return family;
}

}  // namespace runsc
