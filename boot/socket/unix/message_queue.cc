#include "boot/socket/unix/message_queue.h"

#include <algorithm>

namespace runsc {
namespace {

// The largest piece of a stream that is one allocation.
constexpr std::size_t kPiece = 32 * 1024;
// What Linux keeps of the send buffer for itself.
constexpr std::size_t kReserve = 32;
// What a message counts beside its bytes, so that many small ones do not cost more memory than the limit means.
constexpr std::size_t kMessageCost = 512;

constexpr EventMask kReadable = POLLIN | POLLRDNORM;
constexpr EventMask kWritable = POLLOUT | POLLWRNORM;

}  // namespace

MessageQueue::Aftermath::~Aftermath() {
  for (const auto& writer : writers) {
    if (const WaitQueuePtr queue = writer.lock()) queue->notify(kWritable);
  }
}

Result<MessageQueue::Message> MessageQueue::make_message(IoSource& source, std::size_t size) {
  Message message;
  if (size == 0) return message;
  message.storage = std::make_unique_for_overwrite<std::byte[]>(size);
  while (message.end < size) {
    const auto taken = source.take({message.storage.get() + message.end, size - message.end});
    if (!taken.ok()) return taken.error();
    if (*taken == 0) return Errno(EFAULT);
    message.end += *taken;
  }
  return message;
}

void MessageQueue::note_blocked(State& state, const WaitQueuePtr& waiter) {
  if (waiter == nullptr) return;
  std::erase_if(state.blocked, [](const auto& known) { return known.expired(); });
  const bool known = std::any_of(state.blocked.begin(), state.blocked.end(),
                                 [&](const auto& entry) { return entry.lock() == waiter; });
  if (!known) state.blocked.push_back(waiter);
}

void MessageQueue::note_room(State& state, Aftermath& aftermath) {
  if (!state.blocked.empty()) aftermath.writers.swap(state.blocked);
}

void MessageQueue::append(State& state, Message message, Ancillary& ancillary, const From& from) {
  message.from = from.address;
  message.ancillary.sender = ancillary.sender;
  message.ancillary.files = std::move(ancillary.files);
  state.bytes += message.size();
  state.charged += message.size() + kMessageCost;
  state.limit = from.limit;
  state.messages.push_back(std::move(message));
}

void MessageQueue::remove_first(State& state, Aftermath& aftermath) {
  state.charged -= kMessageCost;
  aftermath.done.push_back(std::move(state.messages.front()));
  state.messages.pop_front();
}

Result<std::size_t> MessageQueue::send_bytes(IoSource& source, Ancillary& ancillary, const From& from) {
  std::size_t done = 0;
  auto state = state_.lock();
  if (state->writer_closed || state->reader_closed) return Errno(EPIPE);
  while (source.remaining() != 0 && state->charged < from.limit) {
    auto message = make_message(source, std::min({source.remaining(), from.limit / 2, kPiece}));
    if (!message.ok()) {
      if (done == 0) return message.error();
      break;
    }
    done += message->size();
    append(*state, std::move(*message), ancillary, from);
  }
  if (done == 0 && source.remaining() != 0) {
    note_blocked(*state, from.waiter);
    return Errno(EAGAIN);
  }
  state.unlock();
  reader_->notify(kReadable);
  return done;
}

Result<std::size_t> MessageQueue::send_message(IoSource& source, Ancillary& ancillary, const From& from) {
  const std::size_t size = source.remaining();
  if (size + kReserve > from.limit) return Errno(EMSGSIZE);
  auto state = state_.lock();
  if (state->writer_closed || state->reader_closed) return Errno(EPIPE);
  if (state->messages.size() >= kMaxMessages || state->charged >= from.limit) {
    note_blocked(*state, from.waiter);
    return Errno(EAGAIN);
  }
  append(*state, TRY(make_message(source, size)), ancillary, from);
  state.unlock();
  reader_->notify(kReadable);
  return size;
}

SocketAddress MessageQueue::address_of(const Message& message) {
  return message.from ? message.from->to_socket_address() : SocketAddress{};
}

void MessageQueue::take_ancillary(Message& message, const Wants& wants, Received& received) {
  if (wants.credentials && !received.credentials) received.credentials = message.ancillary.sender;
  if (message.ancillary.files.empty()) return;
  received.files = wants.peek ? message.ancillary.files.copy() : std::move(message.ancillary.files);
}

Result<Received> MessageQueue::nothing(State& state) {
  if (state.error != 0) return Errno(std::exchange(state.error, 0));
  if (state.writer_closed || state.reader_closed) return Received{};
  return Errno(EAGAIN);
}

Result<Received> MessageQueue::receive_bytes_locked(State& state, IoSink& sink, const Wants& wants,
                                                    Aftermath& aftermath) {
  if (state.messages.empty()) return nothing(state);
  Received received;
  received.from = address_of(state.messages.front());
  std::size_t next = 0;  // only peeking goes on to messages behind the first
  while (next < state.messages.size() && sink.remaining() != 0) {
    Message& message = state.messages[next];
    if (received.credentials && *received.credentials != message.ancillary.sender) break;
    const auto put = sink.put(message.bytes());
    if (!put.ok()) {
      if (received.bytes == 0) return put.error();
      break;
    }
    take_ancillary(message, wants, received);
    received.bytes += *put;
    const bool whole = *put == message.size();
    if (wants.peek) {
      ++next;
    } else {
      message.begin += *put;
      state.bytes -= *put;
      state.charged -= *put;
      if (whole) remove_first(state, aftermath);
    }
    // Descriptors end a read, so that the next ones have one of their own.
    if (!whole || !received.files.empty()) break;
  }
  received.full_length = received.bytes;
  return received;
}

Result<Received> MessageQueue::receive_bytes(IoSink& sink, Wants wants) {
  Aftermath aftermath;
  auto state = state_.lock();
  auto received = receive_bytes_locked(*state, sink, wants, aftermath);
  // A writer that waits is woken when there is room for much, not for every byte.
  if (received.ok() && state->charged * 4 <= state->limit) note_room(*state, aftermath);
  state.unlock();
  return received;
}

Result<Received> MessageQueue::receive_message(IoSink& sink, Wants wants) {
  Aftermath aftermath;
  auto state = state_.lock();
  if (state->messages.empty()) return nothing(*state);
  Message& message = state->messages.front();
  Received received;
  received.from = address_of(message);
  received.full_length = message.size();
  if (message.size() != 0 && sink.remaining() != 0) received.bytes = TRY(sink.put(message.bytes()));
  if (received.bytes < received.full_length) received.flags |= MSG_TRUNC;
  take_ancillary(message, wants, received);
  if (!wants.peek) {
    state->bytes -= message.size();
    state->charged -= message.size();
    remove_first(*state, aftermath);
    note_room(*state, aftermath);
  }
  state.unlock();
  return received;
}

void MessageQueue::close_writer(int error) {
  {
    auto state = state_.lock();
    state->writer_closed = true;
    if (error != 0) state->error = error;
  }
  reader_->notify(kReadable | POLLRDHUP | POLLHUP | kWritable | (error != 0 ? POLLERR : 0));
}

bool MessageQueue::close_reader(bool drop) {
  Messages dropped;
  bool unread = false;
  Aftermath aftermath;
  {
    auto state = state_.lock();
    state->reader_closed = true;
    unread = !state->messages.empty();
    if (drop) {
      dropped.swap(state->messages);
      state->bytes = state->charged = 0;
    }
    note_room(*state, aftermath);
  }
  if (writer_ != nullptr) writer_->notify(kWritable | POLLHUP);
  return unread;
}

int MessageQueue::take_error() { return std::exchange(state_.lock()->error, 0); }

MessageQueue::Status MessageQueue::status() const {
  auto state = state_.lock();
  return {!state->messages.empty(), state->writer_closed, state->reader_closed, state->error != 0};
}

bool MessageQueue::writable(std::size_t limit, const WaitQueuePtr& waiter) {
  auto state = state_.lock();
  // A datagram socket also counts its messages; a stream's pieces are as many as its bytes allow.
  const bool full = writer_ == nullptr && state->messages.size() >= kMaxMessages;
  if (state->charged * 4 <= limit && !full) return true;
  note_blocked(*state, waiter);
  return false;
}

std::size_t MessageQueue::next_length() const {
  auto state = state_.lock();
  return state->messages.empty() ? 0 : state->messages.front().size();
}

}  // namespace runsc
