// MessageQueue: what was sent in one direction to one Unix socket and not yet received.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "boot/base/lock.h"
#include "boot/kernel/wait_queue.h"
#include "boot/socket/ancillary.h"
#include "boot/socket/socket.h"
#include "boot/socket/unix/unix_address.h"

namespace runsc {

using WaitQueuePtr = std::shared_ptr<WaitQueue>;

// Thread-safe (LockLevel::kPipe: taken below the sockets' locks or alone). Application memory is copied under the lock.
// Waiters are notified, and passed files released, without it.
class MessageQueue {
 public:
  // `reader`: who waits for messages. `writer`: of a connected pair, who waits for room and hears of the end; null for
  // a datagram socket, to which anybody may send.
  MessageQueue(WaitQueuePtr reader, WaitQueuePtr writer) : reader_(std::move(reader)), writer_(std::move(writer)) {}
  ~MessageQueue() = default;

  struct From {
    UnixAddressPtr address;
    std::size_t limit;    // bytes: SO_SNDBUF of the sender
    WaitQueuePtr waiter;  // notified when there may be room again
  };
  // Appends bytes of a stream, as many as there is room for. EAGAIN: none; EPIPE: an end is closed. The ancillary data
  // go with the first byte, and are taken only on success.
  Result<std::size_t> send_bytes(IoSource& source, Ancillary& ancillary, const From& from);
  // Appends one message. EMSGSIZE: never fits; EAGAIN: not now; EPIPE: an end is closed.
  Result<std::size_t> send_message(IoSource& source, Ancillary& ancillary, const From& from);

  struct Wants {
    bool peek = false;
    bool credentials = false;  // SO_PASSCRED: bytes of several senders are not merged
  };
  // EAGAIN: empty; a result of 0 bytes: the end. The pending error of the connection comes after the last byte.
  Result<Received> receive_bytes(IoSink& sink, Wants wants);
  Result<Received> receive_message(IoSink& sink, Wants wants);

  // The writer will send no more (close, or shutdown SHUT_WR). `error`: told to the reader once (ECONNRESET); 0: none.
  void close_writer(int error);
  // The reader wants no more: what comes is refused with EPIPE. `drop`: what is there is released. Returns whether
  // there was anything.
  bool close_reader(bool drop);
  // Takes the pending error; 0: none.
  int take_error();

  bool writer_closed() const { return state_.lock()->writer_closed; }
  bool reader_closed() const { return state_.lock()->reader_closed; }
  // In one look, for poll(2).
  struct Status {
    bool readable, writer_closed, reader_closed, error;
  };
  Status status() const;
  // Whether poll(2) says POLLOUT to a sender with this limit: a quarter is in use at most (as Linux has it), and the
  // number of messages allows one more. If not, `waiter` is notified when it changes.
  bool writable(std::size_t limit, const WaitQueuePtr& waiter);
  // SIOCINQ, SIOCOUTQ.
  std::size_t bytes() const { return state_.lock()->bytes; }
  std::size_t next_length() const;

  // net.unix.max_dgram_qlen, and the one more that Linux's comparison lets through.
  static constexpr std::size_t kMaxMessages = 11;

 private:
  struct Message {
    std::unique_ptr<std::byte[]> storage;
    std::size_t begin = 0, end = 0;
    UnixAddressPtr from;
    Ancillary ancillary;

    std::size_t size() const { return end - begin; }
    std::span<const std::byte> bytes() const { return {storage.get() + begin, size()}; }
  };
  using Messages = std::deque<Message>;
  struct State {
    Messages messages;
    std::size_t bytes = 0;
    std::size_t charged = 0;  // bytes and what the messages themselves cost
    std::size_t limit = 0;    // of the last sender
    bool writer_closed = false, reader_closed = false;
    int error = 0;
    std::vector<std::weak_ptr<WaitQueue>> blocked;
  };
  // Whom to notify, and what to release, once the lock is gone.
  struct Aftermath {
    std::vector<std::weak_ptr<WaitQueue>> writers;
    Messages done;
    ~Aftermath();
  };

  static Result<Message> make_message(IoSource& source, std::size_t size);
  static void append(State& state, Message message, Ancillary& ancillary, const From& from);
  static void remove_first(State& state, Aftermath& aftermath);
  static void note_blocked(State& state, const WaitQueuePtr& waiter);
  static void note_room(State& state, Aftermath& aftermath);
  static SocketAddress address_of(const Message& message);
  static void take_ancillary(Message& message, const Wants& wants, Received& received);
  // What receiving from an empty queue means: the error, the end, or EAGAIN.
  static Result<Received> nothing(State& state);
  Result<Received> receive_bytes_locked(State& state, IoSink& sink, const Wants& wants, Aftermath& aftermath);

  const WaitQueuePtr reader_, writer_;
  Guarded<State, LockLevel::kPipe> state_;
};
using MessageQueuePtr = std::shared_ptr<MessageQueue>;

}  // namespace runsc
