// Raw sockets of ICMP, as far as ping(8) needs them: echo requests out, echo replies in.
#pragma once

#include <atomic>

#include "boot/socket/host/host_socket.h"

namespace runsc {

// A ping socket of the host (icmp(7)) stands behind it, since the boot process could not make a raw one. The host gives
// requests an identifier of its own and takes IP headers away: both are put back here, so that the application sees
// what raw(7) promises. What else a raw socket may send is EPERM; what else it would receive does not come.
class RawIcmpSocket : public HostSocket {
 public:
  RawIcmpSocket(HostPoller& poller, UniqueFd host, int domain, const NewSocket& parameters);
  // Asks the host for what the headers are made of.
  Result<void> prepare();

  Result<void> bind(CurrentTask& task, const SocketAddress& address) override;
  Result<void> connect(CurrentTask& task, const SocketAddress& address) override;
  Result<std::size_t> send(SendRequest& request) override;
  Result<Received> receive(const ReceiveRequest& request) override;
  Result<void> set_option(CurrentTask& task, int level, int name, std::span<const std::byte> value) override;
  Result<std::vector<std::byte>> get_option(CurrentTask& task, int level, int name) override;

 private:
  bool is_v4() const { return domain() == AF_INET; }
  bool is_filter(int level, int name) const;
  std::vector<std::byte> make_packet(std::span<const std::byte> reply, const Received& received) const;

  std::atomic<std::uint16_t> identifier_{0};  // of the application's last request, in network order
  std::atomic<std::uint32_t> filter_{0};      // ICMP_FILTER: a bit hides a type
};

}  // namespace runsc
