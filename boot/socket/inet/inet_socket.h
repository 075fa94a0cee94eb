// AF_INET and AF_INET6 sockets (ip(7), ipv6(7), tcp(7), udp(7), icmp(7)), each backed by a socket of the host in the
// network namespace that the boot process lives in.
#pragma once

#include "boot/socket/host/host_socket.h"

namespace runsc {

class InetSocket : public HostSocket {
 public:
  // `host` is of that domain, type and protocol.
  InetSocket(HostPoller& poller, UniqueFd host, int domain, const NewSocket& parameters);

  Result<void> bind(CurrentTask& task, const SocketAddress& address) override;
  Result<void> listen(CurrentTask& task, int backlog) override;
  Result<void> connect(CurrentTask& task, const SocketAddress& address) override;
  Result<SocketPtr> accept(int flags) override;
  // A stream takes as much as the host has room for, in pieces; a datagram goes as a whole.
  Result<std::size_t> send(SendRequest& request) override;
  Result<Received> receive(const ReceiveRequest& request) override;
  Result<void> shutdown(int how) override;
  bool takes_control() const override { return true; }
  Result<std::int64_t> ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) override;

 private:
  Result<void> host_connect(const SocketAddress& address);
  Result<void> wait_for_connection(CurrentTask& task, const SocketAddress& address);
  Result<std::size_t> send_stream(SendRequest& request, msghdr& header);
  Result<std::size_t> send_datagram(SendRequest& request, msghdr& header);
  Result<Received> receive_stream(const ReceiveRequest& request);
  bool ends_without_data(const ReceiveRequest& request);
  // The time stamps of SIOCGSTAMP and its relatives: `size` bytes from the host.
  Result<std::int64_t> copy_from_host(CurrentTask& task, std::uint32_t command, std::uint64_t argument,
                                      std::size_t size);

  const NetworkNamespacePtr network_;
  std::atomic<bool> read_shutdown_{false};
};

// An address that the host may see: of one of the two families, or AF_UNSPEC, cut to what that family has. EINVAL: too
// short; EAFNOSUPPORT.
Result<SocketAddress> checked_inet_address(const SocketAddress& address);

// The control messages of sendmsg(2) that the host may see: those of the list, with values of their sizes. EINVAL:
// another one.
Result<std::vector<std::byte>> checked_inet_control(std::span<const std::byte> control);

// The families, for SocketServices. `poller` must outlive their sockets.
SocketFamily inet_family(HostPoller& poller, int domain);
// Sockets that see the frames of an interface: the boot process could not make any, whoever asks. EPERM.
SocketFamily packet_family();
// Requests about interfaces (netdevice(7)), answered by a socket of the host's. Errors of socket(2).
Result<std::function<Result<std::int64_t>(CurrentTask&, std::uint32_t, std::uint64_t)>> interface_requests();

}  // namespace runsc
