// AF_UNIX sockets with connections: SOCK_STREAM and SOCK_SEQPACKET.
#pragma once

#include "boot/socket/unix/unix_socket.h"

namespace runsc {

class UnixStream;
using UnixStreamPtr = std::shared_ptr<UnixStream>;

class UnixStream : public UnixSocket {
 public:
  using UnixSocket::UnixSocket;
  ~UnixStream() override;

  Result<void> listen(CurrentTask& task, int backlog) override;
  Result<void> connect(CurrentTask& task, const SocketAddress& address) override;
  Result<SocketPtr> accept(int flags) override;
  Result<std::size_t> send(SendRequest& request) override;
  Result<Received> receive(const ReceiveRequest& request) override;
  Result<void> shutdown(int how) override;
  Result<SocketAddress> peer_address() override;
  EventMask readiness(EventMask interest) override;

  // socketpair(2). `owner`: who made them.
  static void join(const UnixStreamPtr& one, const UnixStreamPtr& other, const Sender& owner);
  // listen(2), and one attempt of connect(2) after the name was resolved. EAGAIN: the backlog is full.
  Result<void> listen_as(int backlog, const Sender& owner);
  Result<void> connect_to(const UnixStreamPtr& listener, const Sender& owner, const AnonymousIdentity& identity);

 protected:
  Sender peer_credentials() override { return state_.lock()->peer_owner; }
  Result<std::size_t> readable_bytes() override;
  std::size_t unsent_bytes() override;
  int take_error() override;
  bool listening() const override { return state_.lock()->phase == Phase::kListening; }

 private:
  enum class Phase { kNew, kListening, kConnected };
  struct State {
    Phase phase = Phase::kNew;
    bool read_shutdown = false, write_shutdown = false;  // before a connection, or of a listener
    bool accepted = true;                                // false: still in the backlog of its listener
    // Connected.
    MessageQueuePtr in, out;
    std::weak_ptr<UnixSocket> peer;
    UnixAddressPtr peer_name;  // as of the connection; the peer itself knows better while it lives
    Sender peer_owner;
    // Listening.
    std::deque<UnixStreamPtr> pending;
    std::size_t backlog = 0;
    Sender owner;
  };
  struct Queues {
    MessageQueuePtr in, out;
    bool connected() const { return in != nullptr; }
  };
  Queues queues() const;
  // Whether a connect may succeed now, or fails for another reason than the backlog.
  bool worth_trying() const;
  static Result<void> check_connect(const State& own, const State& listener);
  static void become_connected(State& state, MessageQueuePtr in, MessageQueuePtr out, std::weak_ptr<UnixSocket> peer,
                               UnixAddressPtr peer_name, const Sender& peer_owner);
  EventMask connected_readiness(const Queues& queues);

  Guarded<State, LockLevel::kSocket> state_;
};

}  // namespace runsc
