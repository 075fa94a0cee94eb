// AF_NETLINK sockets of NETLINK_ROUTE (rtnetlink(7)): questions about the interfaces, addresses and routes of the
// network namespace that the boot process lives in, and notifications of their changes.
#pragma once

#include <deque>

#include "boot/socket/host/host_socket.h"

namespace runsc {

class NetlinkSocket : public HostSocket {
 public:
  NetlinkSocket(HostPoller& poller, UniqueFd host, const NewSocket& parameters);

  Result<void> bind(CurrentTask& task, const SocketAddress& address) override;
  // Only to the kernel (EPERM).
  Result<void> connect(CurrentTask& task, const SocketAddress& address) override;
  Result<std::size_t> send(SendRequest& request) override;
  Result<Received> receive(const ReceiveRequest& request) override;
  Result<void> listen(CurrentTask&, int) override { return Errno(EOPNOTSUPP); }
  Result<void> shutdown(int) override { return Errno(EOPNOTSUPP); }
  Result<void> set_option(CurrentTask& task, int level, int name, std::span<const std::byte> value) override;
  EventMask readiness(EventMask interest) override;

 private:
  using Answer = std::vector<std::byte>;
  // Passes one message on, or answers it.
  Result<void> handle(std::span<const std::byte> message);
  Result<void> answer(std::span<const std::byte> message, int error);
  Received take_answer(const ReceiveRequest& request, Answer& answer);

  // What was refused, or asks for nothing, is answered here; such answers come before the host's.
  Guarded<std::deque<Answer>, LockLevel::kSocket> answers_;
  std::atomic<bool> short_errors_{false};  // NETLINK_CAP_ACK
};

// The family, for SocketServices. `poller` must outlive its sockets.
SocketFamily netlink_family(HostPoller& poller);

}  // namespace runsc
