// AF_UNIX datagram sockets.
#pragma once

#include "boot/socket/unix/unix_socket.h"

namespace runsc {

class UnixDatagram;
using UnixDatagramPtr = std::shared_ptr<UnixDatagram>;

class UnixDatagram : public UnixSocket {
 public:
  explicit UnixDatagram(const NewSocket& parameters)
      : UnixSocket(parameters), in_(std::make_shared<MessageQueue>(waiters(), nullptr)) {}
  ~UnixDatagram() override { (void)in_->close_reader(true); }

  Result<void> connect(CurrentTask& task, const SocketAddress& address) override;
  Result<std::size_t> send(SendRequest& request) override;
  Result<Received> receive(const ReceiveRequest& request) override;
  Result<void> shutdown(int how) override;
  Result<SocketAddress> peer_address() override;
  EventMask readiness(EventMask interest) override;

  // socketpair(2).
  static void join(const UnixDatagramPtr& one, const UnixDatagramPtr& other, const Sender& owner);
  // connect(2) after the name was resolved; null disconnects. EPERM: `peer` is connected to another socket.
  Result<void> connect_to(const UnixDatagramPtr& peer);

 protected:
  Sender peer_credentials() override { return state_.lock()->peer_owner; }
  Result<std::size_t> readable_bytes() override { return in_->next_length(); }

 private:
  struct State {
    bool connected = false;
    std::weak_ptr<UnixDatagram> peer;
    // Its queue, for poll(2), which must not be the one that ends a socket.
    MessageQueuePtr peer_queue;
    Sender peer_owner;
    bool read_shutdown = false, write_shutdown = false;
  };
  // ENOTCONN; ECONNREFUSED: the peer has gone, which disconnects.
  Result<UnixDatagramPtr> peer();
  // Whether `sender` may send to this one.
  bool accepts(const UnixDatagram& sender);
  Result<UnixDatagramPtr> target_of(SendRequest& request);

  const MessageQueuePtr in_;
  Guarded<State, LockLevel::kSocket> state_;
};

}  // namespace runsc
