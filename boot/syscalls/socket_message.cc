// send(2), recv(2) and their relatives.
#include <sys/socket.h>
#include <sys/uio.h>

#include <climits>
#include <cstddef>

#include "boot/kernel/signal_send.h"
#include "boot/syscalls/control_messages.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/poll_wait.h"
#include "boot/syscalls/socket_io.h"

namespace runsc {
namespace {

constexpr std::size_t kMaxVectors = 1024;        // UIO_MAXIOV
constexpr std::size_t kMaxControl = 128 * 1024;  // net.core.optmem_max
constexpr unsigned kMaxMessages = 1024;

using Ranges = std::vector<AddressSpace::Range>;

AddressSpace::Range one_range(UserAddress buffer, std::size_t length) {
  return {buffer.value, std::min(length, kMaxTransfer)};
}

Result<Ranges> read_vectors(CurrentTask& task, const msghdr& header) {
  if (header.msg_iovlen > kMaxVectors) return Errno(EMSGSIZE);
  const UserIn<iovec> where{{reinterpret_cast<std::uint64_t>(header.msg_iov)}};
  Ranges ranges;
  std::size_t total = 0;
  for (const iovec& vector : TRY(task.read_array(where, header.msg_iovlen))) {
    if (static_cast<std::int64_t>(vector.iov_len) < 0) return Errno(EINVAL);
    const std::size_t length = std::min(vector.iov_len, kMaxTransfer - total);
    ranges.push_back({reinterpret_cast<std::uint64_t>(vector.iov_base), length});
    total += length;
  }
  return ranges;
}

// Sends all of a stream, or one message. What was sent before an error or a signal counts as success.
Result<std::size_t> send_all(CurrentTask& task, Socket& socket, SendRequest& request) {
  const bool nonblocking = socket.flags().nonblocking() || (request.flags & MSG_DONTWAIT) != 0;
  request.task = &task;
  std::size_t done = 0;
  for (;;) {
    const auto sent = retry_until_ready(task, socket, POLLOUT, nonblocking, socket.options().send_timeout(),
                                        [&] { return socket.send(request); });
    if (sent.ok()) done += *sent;
    if (!sent.ok() && done == 0) {
      if (sent.error() == Errno(EPIPE) && (request.flags & MSG_NOSIGNAL) == 0 && socket.raises_sigpipe())
        raise_signal(task, SIGPIPE);
      return sent.error();
    }
    if (!sent.ok() || socket.type() != SOCK_STREAM || request.source.remaining() == 0) return done;
  }
}

Result<Received> receive_once(CurrentTask& task, Socket& socket, const ReceiveRequest& request) {
  // Errors and urgent data are there or not: nobody waits for them (recv(2), tcp(7)).
  constexpr int kNeverWaits = MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB;
  const bool nonblocking = socket.flags().nonblocking() || (request.flags & kNeverWaits) != 0;
  return retry_until_ready(task, socket, POLLIN, nonblocking, socket.options().receive_timeout(),
                           [&] { return socket.receive(request); });
}

// One message, or what a stream has; with MSG_WAITALL all that was asked for, unless descriptors or the end come first.
Result<Received> receive_all(CurrentTask& task, Socket& socket, const ReceiveRequest& request) {
  Received received = TRY(receive_once(task, socket, request));
  if ((request.flags & MSG_WAITALL) == 0 || (request.flags & MSG_PEEK) != 0 || socket.type() != SOCK_STREAM)
    return received;
  while (received.bytes != 0 && request.sink.remaining() != 0 && received.files.empty()) {
    auto more = receive_once(task, socket, request);
    if (!more.ok() || more->bytes == 0) break;
    received.bytes += more->bytes;
    received.files = std::move(more->files);
  }
  return received;
}

long received_length(const Received& received, int flags) {
  return static_cast<long>((flags & MSG_TRUNC) != 0 ? std::max(received.full_length, received.bytes) : received.bytes);
}

Result<std::vector<std::byte>> read_control(CurrentTask& task, const msghdr& header) {
  if (header.msg_control == nullptr || header.msg_controllen == 0) return std::vector<std::byte>();
  if (header.msg_controllen > kMaxControl) return Errno(ENOBUFS);
  return task.read_array(UserIn<std::byte>{{reinterpret_cast<std::uint64_t>(header.msg_control)}},
                         header.msg_controllen);
}

Result<long> send_message(CurrentTask& task, Socket& socket, UserIn<msghdr> where, int flags) {
  const msghdr header = TRY(task.read(where));
  SocketAddress to;
  const bool named = header.msg_name != nullptr && header.msg_namelen != 0;
  if (static_cast<int>(header.msg_namelen) < 0) return Errno(EINVAL);
  if (named) {
    const UserIn<sockaddr> name{{reinterpret_cast<std::uint64_t>(header.msg_name)}};
    to = TRY(read_address(task, name, std::min<unsigned>(header.msg_namelen, sizeof(sockaddr_storage))));
  }
  UserSource source(task.user_memory(), TRY(read_vectors(task, header)));
  const auto control = TRY(read_control(task, header));
  SentControl sent = TRY(parse_control(task, socket, control));
  SendRequest request{source, flags, named ? &to : nullptr, nullptr, std::move(sent.ancillary), std::move(sent.family)};
  return static_cast<long>(TRY(send_all(task, socket, request)));
}

Result<void> write_name(CurrentTask& task, const SocketAddress& address, const msghdr& header,
                        UserInOut<msghdr> where) {
  if (header.msg_name == nullptr) return {};
  const UserOut<sockaddr> name{{reinterpret_cast<std::uint64_t>(header.msg_name)}};
  return write_address(task, address, name, {{where.value + offsetof(msghdr, msg_namelen)}});
}

Result<long> receive_message(CurrentTask& task, Socket& socket, UserInOut<msghdr> where, int flags) {
  const msghdr header = TRY(task.read(where.in()));
  if (static_cast<int>(header.msg_namelen) < 0) return Errno(EINVAL);
  UserSink sink(task.user_memory(), TRY(read_vectors(task, header)));
  Received received = TRY(receive_all(task, socket, {sink, flags}));
  ControlWriter control(header.msg_control != nullptr ? std::min(header.msg_controllen, kMaxControl) : 0);
  if (received.credentials) control.add_credentials(task, *received.credentials);
  if (!received.files.empty()) control.add_files(task, std::move(received.files), (flags & MSG_CMSG_CLOEXEC) != 0);
  if (!received.control.empty()) control.add_raw(received.control);

  TRY(write_name(task, received.from, header, where));
  TRY(task.write_array(UserOut<std::byte>{{reinterpret_cast<std::uint64_t>(header.msg_control)}}, control.bytes()));
  const int told = received.flags | (control.truncated() ? MSG_CTRUNC : 0);
  TRY(task.write(UserOut<int>{{where.value + offsetof(msghdr, msg_flags)}}, told));
  TRY(task.write(UserOut<std::size_t>{{where.value + offsetof(msghdr, msg_controllen)}}, control.bytes().size()));
  return received_length(received, flags);
}

UserIn<msghdr> message_at(UserAddress messages, unsigned index) { return {{messages.value + index * sizeof(mmsghdr)}}; }

Result<void> write_message_length(CurrentTask& task, UserAddress messages, unsigned index, long length) {
  const std::uint64_t at = messages.value + index * sizeof(mmsghdr) + offsetof(mmsghdr, msg_len);
  return task.write(UserOut<unsigned>{{at}}, static_cast<unsigned>(length));
}

}  // namespace

Result<long> sys_sendto(CurrentTask& task, Fd fd, UserIn<std::byte> buffer, std::size_t length, int flags,
                        UserIn<struct sockaddr> to, unsigned to_length) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  SocketAddress address;
  if (to) address = TRY(read_address(task, to, to_length));
  UserSource source(task.user_memory(), one_range(buffer, length));
  SendRequest request{source, flags, to ? &address : nullptr, nullptr, {{}, current_sender()}};
  return static_cast<long>(TRY(send_all(task, *socket, request)));
}

Result<long> sys_recvfrom(CurrentTask& task, Fd fd, UserOut<std::byte> buffer, std::size_t length, int flags,
                          UserOut<struct sockaddr> from, UserInOut<unsigned> from_length) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  UserSink sink(task.user_memory(), one_range(buffer, length));
  const Received received = TRY(receive_all(task, *socket, {sink, flags}));
  if (from) TRY(write_address(task, received.from, from, from_length));
  return received_length(received, flags);
}

Result<long> sys_sendmsg(CurrentTask& task, Fd fd, UserIn<struct msghdr> where, int flags) {
  return send_message(task, *TRY(socket_of(task, fd)), where, flags);
}

Result<long> sys_recvmsg(CurrentTask& task, Fd fd, UserInOut<struct msghdr> where, int flags) {
  return receive_message(task, *TRY(socket_of(task, fd)), where, flags);
}

Result<long> sys_sendmmsg(CurrentTask& task, Fd fd, UserInOut<struct mmsghdr> messages, unsigned count, int flags) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  count = std::min(count, kMaxMessages);
  unsigned done = 0;
  for (; done < count; ++done) {
    const auto sent = send_message(task, *socket, message_at(messages, done), flags);
    if (!sent.ok() && done == 0) return sent;
    if (!sent.ok()) break;
    TRY(write_message_length(task, messages, done, *sent));
  }
  return done;
}

Result<long> sys_recvmmsg(CurrentTask& task, Fd fd, UserInOut<struct mmsghdr> messages, unsigned count, int flags,
                          UserInOut<struct timespec> timeout) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  // Looked at only between messages: see BUGS in recvmmsg(2).
  const OptionalDeadline deadline = TRY(read_timeout(task, timeout.in()));
  count = std::min(count, kMaxMessages);
  unsigned done = 0;
  while (done < count) {
    const int now = (flags & ~MSG_WAITFORONE) | (done != 0 && (flags & MSG_WAITFORONE) != 0 ? MSG_DONTWAIT : 0);
    const auto received = receive_message(task, *socket, {{message_at(messages, done).value}}, now);
    if (!received.ok() && done == 0) return received;
    if (!received.ok()) break;
    TRY(write_message_length(task, messages, done, *received));
    ++done;
    if (deadline && deadline->passed()) break;
  }
  if (deadline) TRY(task.write(timeout.out(), remaining_time(*deadline)));
  return done;
}

}  // namespace runsc
