#include "boot/socket/unix/unix_stream.h"

#include <algorithm>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"

namespace runsc {
namespace {

// net.core.somaxconn.
constexpr std::size_t kMaxBacklog = 4096;

}  // namespace

UnixStream::~UnixStream() {
  State state = std::move(*state_.lock());
  if (state.phase == Phase::kConnected) {
    const bool unread = state.in->close_reader(true);
    state.out->close_writer(unread || !state.accepted ? ECONNRESET : 0);
  }
  state.pending.clear();
  waiters()->notify(kAllEvents);  // who waits for a place in the backlog
}

UnixStream::Queues UnixStream::queues() const {
  auto state = state_.lock();
  return {state->in, state->out};
}

Result<void> UnixStream::listen(CurrentTask&, int backlog) { return listen_as(backlog, current_peer()); }

Result<void> UnixStream::listen_as(int backlog, const Sender& owner) {
  if (!name()) return Errno(EINVAL);
  {
    auto state = state_.lock();
    if (state->phase == Phase::kConnected) return Errno(EINVAL);
    state->phase = Phase::kListening;
    state->backlog = std::min<std::size_t>(static_cast<unsigned>(backlog), kMaxBacklog);
    state->owner = owner;
  }
  waiters()->notify(kAllEvents);
  return {};
}

void UnixStream::become_connected(State& state, MessageQueuePtr in, MessageQueuePtr out, std::weak_ptr<UnixSocket> peer,
                                  UnixAddressPtr peer_name, const Sender& peer_owner) {
  state.phase = Phase::kConnected;
  state.in = std::move(in);
  state.out = std::move(out);
  state.peer = std::move(peer);
  state.peer_name = std::move(peer_name);
  state.peer_owner = peer_owner;
}

void UnixStream::join(const UnixStreamPtr& one, const UnixStreamPtr& other, const Sender& owner) {
  const auto to_one = std::make_shared<MessageQueue>(one->waiters(), other->waiters());
  const auto to_other = std::make_shared<MessageQueue>(other->waiters(), one->waiters());
  become_connected(*one->state_.lock(), to_one, to_other, other, nullptr, owner);
  become_connected(*other->state_.lock(), to_other, to_one, one, nullptr, owner);
}

Result<void> UnixStream::check_connect(const State& own, const State& listener) {
  if (listener.phase != Phase::kListening || listener.read_shutdown) return Errno(ECONNREFUSED);
  if (listener.pending.size() > listener.backlog) return Errno(EAGAIN);
  if (own.phase == Phase::kConnected) return Errno(EISCONN);
  if (own.phase == Phase::kListening) return Errno(EINVAL);
  return {};
}

bool UnixStream::worth_trying() const {
  auto state = state_.lock();
  return state->phase != Phase::kListening || state->read_shutdown || state->pending.size() <= state->backlog;
}

Result<void> UnixStream::connect_to(const UnixStreamPtr& listener, const Sender& owner,
                                    const AnonymousIdentity& identity) {
  if (listener.get() == this) return Errno(EINVAL);
  const auto accepted = std::make_shared<UnixStream>(NewSocket{type(), protocol(), 0, identity, network()});
  const auto to_accepted = std::make_shared<MessageQueue>(accepted->waiters(), waiters());
  const auto to_self = std::make_shared<MessageQueue>(waiters(), accepted->waiters());
  accepted->share_name(listener->name());
  {
    const bool self_first = this < listener.get();
    auto first = (self_first ? *this : *listener).state_.lock();
    auto second = (self_first ? *listener : *this).state_.lock();
    State& own = self_first ? *first : *second;
    State& theirs = self_first ? *second : *first;
    TRY(check_connect(own, theirs));
    {
      auto state = accepted->state_.lock();
      become_connected(*state, to_accepted, to_self, weak_self(), name(), owner);
      state->accepted = false;
    }
    become_connected(own, to_self, to_accepted, accepted, listener->name(), theirs.owner);
    theirs.pending.push_back(accepted);
  }
  listener->waiters()->notify(POLLIN | POLLRDNORM);
  waiters()->notify(POLLOUT | POLLWRNORM);
  return {};
}

Result<void> UnixStream::connect(CurrentTask& task, const SocketAddress& address) {
  const UnixAddress wanted = TRY(UnixAddress::parse(address));
  if (wanted.text.empty()) return Errno(EINVAL);
  TRY(autobind_if_wanted());
  const auto timeout = options().send_timeout();
  const auto deadline = timeout ? OptionalDeadline(Deadline::after(*timeout)) : std::nullopt;
  for (;;) {
    auto listener = std::static_pointer_cast<UnixStream>(TRY(find(task, wanted)));
    const Sender owner = current_peer();
    const auto done = connect_to(listener, owner, {task.kernel().next_inode(), owner.uid, owner.gid});
    if (done.ok() || done.error() != Errno(EAGAIN) || flags().nonblocking()) return done;
    // Held weakly while this task waits: its end is one of the things to wait for.
    const std::weak_ptr<UnixStream> watched = listener;
    const WaitQueuePtr queue = listener->waiters();
    listener.reset();
    const auto waited = task.wait(*queue, kAllEvents, deadline, [&] {
      const auto alive = watched.lock();
      return alive == nullptr || alive->worth_trying();
    });
    if (waited.ok()) continue;
    if (waited.error() == Errno(ETIMEDOUT)) return Errno(EAGAIN);
    return deadline ? Errno(EINTR) : waited.error();
  }
}

Result<SocketPtr> UnixStream::accept(int flags) {
  UnixStreamPtr socket;
  {
    auto state = state_.lock();
    if (state->phase != Phase::kListening) return Errno(EINVAL);
    if (state->pending.empty()) return state->read_shutdown ? Errno(EINVAL) : Errno(EAGAIN);
    socket = std::move(state->pending.front());
    state->pending.pop_front();
  }
  socket->state_.lock()->accepted = true;
  TRY(socket->set_flags(flags & O_NONBLOCK));
  waiters()->notify(POLLOUT | POLLWRNORM);
  return SocketPtr(std::move(socket));
}

Result<std::size_t> UnixStream::send(SendRequest& request) {
  if ((request.flags & MSG_OOB) != 0) return Errno(EOPNOTSUPP);
  const MessageQueuePtr out = queues().out;
  if (type() == SOCK_STREAM && request.to != nullptr) return out ? Errno(EISCONN) : Errno(EOPNOTSUPP);
  if (!out) return Errno(ENOTCONN);
  TRY(autobind_if_wanted());
  const MessageQueue::From from{name(), send_limit(), waiters()};
  return type() == SOCK_STREAM ? out->send_bytes(request.source, request.ancillary, from)
                               : out->send_message(request.source, request.ancillary, from);
}

Result<Received> UnixStream::receive(const ReceiveRequest& request) {
  if ((request.flags & MSG_OOB) != 0) return Errno(type() == SOCK_STREAM ? EINVAL : EOPNOTSUPP);
  const MessageQueuePtr in = queues().in;
  if (!in) return Errno(type() == SOCK_STREAM ? EINVAL : ENOTCONN);
  const MessageQueue::Wants wants{(request.flags & MSG_PEEK) != 0, options().pass_credentials()};
  if (type() != SOCK_STREAM) return in->receive_message(request.sink, wants);
  if (request.sink.remaining() == 0) return Received{};
  return in->receive_bytes(request.sink, wants);
}

Result<void> UnixStream::shutdown(int how) {
  if (how < SHUT_RD || how > SHUT_RDWR) return Errno(EINVAL);
  const bool reads = how != SHUT_WR;
  const bool writes = how != SHUT_RD;
  Queues connection;
  {
    auto state = state_.lock();
    state->read_shutdown |= reads;
    state->write_shutdown |= writes;
    connection = {state->in, state->out};
  }
  if (connection.connected() && reads) (void)connection.in->close_reader(false);
  if (connection.connected() && writes) connection.out->close_writer(0);
  waiters()->notify(kAllEvents);
  return {};
}

Result<SocketAddress> UnixStream::peer_address() {
  std::shared_ptr<UnixSocket> peer;  // ends after the lock is released
  auto state = state_.lock();
  if (state->phase != Phase::kConnected) return Errno(ENOTCONN);
  peer = state->peer.lock();
  const UnixAddressPtr known = state->peer_name;
  state.unlock();
  return to_socket_address(peer ? peer->name() : known);
}

EventMask UnixStream::connected_readiness(const Queues& connection) {
  const auto in = connection.in->status();
  const auto out = connection.out->status();
  const bool no_more_reads = in.writer_closed || in.reader_closed;
  const bool no_more_writes = out.writer_closed || out.reader_closed;
  EventMask events = 0;
  if (in.readable) events |= POLLIN | POLLRDNORM;
  if (in.error) events |= POLLERR;
  if (no_more_reads) events |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (no_more_reads && no_more_writes) events |= POLLHUP;
  if (no_more_writes || connection.out->writable(send_limit(), waiters())) events |= POLLOUT | POLLWRNORM | POLLWRBAND;
  return events;
}

EventMask UnixStream::readiness(EventMask) {
  EventMask events = 0;
  Queues connection;
  {
    auto state = state_.lock();
    connection = {state->in, state->out};
    if (!state->pending.empty()) events |= POLLIN | POLLRDNORM;
    if (state->read_shutdown) events |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (state->read_shutdown && state->write_shutdown) events |= POLLHUP;
    if (state->phase == Phase::kNew) events |= POLLHUP | POLLOUT | POLLWRNORM | POLLWRBAND;
  }
  return connection.connected() ? connected_readiness(connection) : events;
}

Result<std::size_t> UnixStream::readable_bytes() {
  if (listening()) return Errno(EINVAL);
  const MessageQueuePtr in = queues().in;
  return in ? in->bytes() : 0;
}

std::size_t UnixStream::unsent_bytes() {
  const MessageQueuePtr out = queues().out;
  return out ? out->bytes() : 0;
}

int UnixStream::take_error() {
  const MessageQueuePtr in = queues().in;
  return in ? in->take_error() : 0;
}

}  // namespace runsc
