#include "boot/socket/unix/unix_datagram.h"

namespace runsc {

void UnixDatagram::join(const UnixDatagramPtr& one, const UnixDatagramPtr& other, const Sender& owner) {
  const auto set = [&](UnixDatagram& socket, const UnixDatagramPtr& peer) {
    auto state = socket.state_.lock();
    state->connected = true;
    state->peer = peer;
    state->peer_queue = peer->in_;
    state->peer_owner = owner;
  };
  set(*one, other);
  set(*other, one);
}

bool UnixDatagram::accepts(const UnixDatagram& sender) {
  UnixDatagramPtr connected;  // ends after the lock is released
  auto state = state_.lock();
  connected = state->peer.lock();
  const bool free = !state->connected || connected.get() == &sender;
  state.unlock();
  return free;
}

Result<void> UnixDatagram::connect_to(const UnixDatagramPtr& peer) {
  if (peer && !peer->accepts(*this)) return Errno(EPERM);
  {
    auto state = state_.lock();
    state->connected = peer != nullptr;
    state->peer = peer;
    state->peer_queue = peer ? peer->in_ : nullptr;
    state->peer_owner = {};
  }
  waiters()->notify(POLLOUT | POLLWRNORM);
  return {};
}

Result<void> UnixDatagram::connect(CurrentTask& task, const SocketAddress& address) {
  if (address.length >= sizeof(sa_family_t) && address.family() == AF_UNSPEC) return connect_to(nullptr);
  const UnixAddress wanted = TRY(UnixAddress::parse(address));
  if (wanted.text.empty()) return Errno(EINVAL);
  TRY(autobind_if_wanted());
  return connect_to(std::static_pointer_cast<UnixDatagram>(TRY(find(task, wanted))));
}

Result<UnixDatagramPtr> UnixDatagram::peer() {
  UnixDatagramPtr found;
  auto state = state_.lock();
  if (!state->connected) return Errno(ENOTCONN);
  found = state->peer.lock();
  if (found == nullptr) {
    state->connected = false;
    return Errno(ECONNREFUSED);
  }
  state.unlock();
  return found;
}

Result<UnixDatagramPtr> UnixDatagram::target_of(SendRequest& request) {
  if (request.to == nullptr) return peer();
  const UnixAddress wanted = TRY(UnixAddress::parse(*request.to));
  if (wanted.text.empty()) return Errno(EINVAL);
  if (request.task == nullptr) return Errno(EINVAL);
  auto target = std::static_pointer_cast<UnixDatagram>(TRY(find(*request.task, wanted)));
  if (!target->accepts(*this)) return Errno(EPERM);
  return target;
}

Result<std::size_t> UnixDatagram::send(SendRequest& request) {
  if ((request.flags & MSG_OOB) != 0) return Errno(EOPNOTSUPP);
  TRY(autobind_if_wanted());
  const UnixDatagramPtr target = TRY(target_of(request));
  if (state_.lock()->write_shutdown) return Errno(EPIPE);
  return target->in_->send_message(request.source, request.ancillary, {name(), send_limit(), waiters()});
}

Result<Received> UnixDatagram::receive(const ReceiveRequest& request) {
  if ((request.flags & MSG_OOB) != 0) return Errno(EOPNOTSUPP);
  return in_->receive_message(request.sink, {(request.flags & MSG_PEEK) != 0, options().pass_credentials()});
}

Result<void> UnixDatagram::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return Errno(EINVAL);
  {
    auto state = state_.lock();
    state->read_shutdown |= how != SHUT_WR;
    state->write_shutdown |= how != SHUT_RD;
  }
  if (how != SHUT_WR) (void)in_->close_reader(false);
  waiters()->notify(kAllEvents);
  return {};
}

Result<SocketAddress> UnixDatagram::peer_address() {
  const auto known = peer();
  if (!known.ok()) return Errno(ENOTCONN);
  return to_socket_address((*known)->name());
}

EventMask UnixDatagram::readiness(EventMask) {
  MessageQueuePtr target;
  EventMask events = 0;
  {
    auto state = state_.lock();
    if (state->connected && !state->peer.expired()) target = state->peer_queue;
    if (state->read_shutdown) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (state->read_shutdown && state->write_shutdown) events |= POLLHUP;
  }
  if (in_->status().readable) events |= POLLIN | POLLRDNORM;
  if (!target || target->writable(send_limit(), waiters())) events |= POLLOUT | POLLWRNORM | POLLWRBAND;
  return events;
}

}  // namespace runsc
