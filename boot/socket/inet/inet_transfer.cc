// Sending and receiving of InetSocket.
#include <netinet/in.h>

#include "boot/kernel/current_task.h"
#include "boot/socket/inet/inet_socket.h"

namespace runsc {
namespace {

// What the host gets to see of the application's flags. MSG_ZEROCOPY is left out: the host would read our buffer later.
constexpr int kSendFlags = MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_CONFIRM | MSG_MORE;

// No datagram of IP is longer (UDP_SEGMENT included); one byte more, so that the host finds those that are.
constexpr std::size_t kLongestDatagram = 65535 + 1;
// What MSG_PEEK shows of a stream at most; other reads go on piece by piece.
constexpr std::size_t kMostPeeked = 1024 * 1024;

}  // namespace

Result<std::size_t> InetSocket::send(SendRequest& request) {
  if ((request.flags & MSG_FASTOPEN) != 0) return Errno(EOPNOTSUPP);  // as with net.ipv4.tcp_fastopen=0
  SocketAddress to;
  msghdr header{};
  if (request.to != nullptr && request.to->length != 0) {
    to = TRY(checked_inet_address(*request.to));
    header.msg_name = to.bytes.data();
    header.msg_namelen = to.length;
  }
  std::vector<std::byte> control = TRY(checked_inet_control(request.control));
  if (!control.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
  }
  return is_stream() ? send_stream(request, header) : send_datagram(request, header);
}

Result<std::size_t> InetSocket::send_stream(SendRequest& request, msghdr& header) {
  TransferBuffer buffer(std::min(request.source.remaining(), TransferBuffer::kPiece));
  iovec vector{};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  const int flags = request.flags & kSendFlags;
  std::size_t done = 0;
  do {
    const std::size_t left = request.source.remaining();
    const auto peeked = request.source.peek(buffer.span().first(std::min(left, buffer.span().size())));
    if (!peeked.ok()) return done != 0 ? Result<std::size_t>(done) : peeked;
    vector = {buffer.span().data(), *peeked};
    // Urgent is the last byte of all.
    const auto sent = host_send(header, *peeked < left ? flags & ~MSG_OOB : flags);
    if (!sent.ok()) return done != 0 ? Result<std::size_t>(done) : sent;
    request.source.skip(*sent);
    done += *sent;
    if (*sent < *peeked) break;
  } while (request.source.remaining() != 0);
  return done;
}

Result<std::size_t> InetSocket::send_datagram(SendRequest& request, msghdr& header) {
  const std::size_t length = request.source.remaining();
  if (length >= kLongestDatagram) return Errno(EMSGSIZE);
  TransferBuffer buffer(length);
  if (length != 0 && TRY(request.source.peek(buffer.span())) < length) return Errno(EFAULT);
  iovec vector{buffer.span().data(), length};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  const std::size_t sent = TRY(host_send(header, request.flags & kSendFlags));
  request.source.skip(length);
  return sent;
}

Result<Received> InetSocket::receive(const ReceiveRequest& request) {
  if (is_stream() && (request.flags & (MSG_OOB | MSG_ERRQUEUE | MSG_PEEK | MSG_TRUNC)) == 0)
    return receive_stream(request);
  auto received =
      receive_piece(request, std::min(request.sink.remaining(), is_stream() ? kMostPeeked : kLongestDatagram));
  if (!received.ok() && received.error() == Errno(EAGAIN) && ends_without_data(request)) return Received{};
  return received;
}

// A datagram socket that is shut down for reading gives the end to who would wait, and only to them; the host cannot
// know who does.
bool InetSocket::ends_without_data(const ReceiveRequest& request) {
  const bool waits = !flags().nonblocking() && (request.flags & (MSG_DONTWAIT | MSG_ERRQUEUE | MSG_OOB)) == 0;
  return waits && !is_stream() && read_shutdown_.load(std::memory_order_acquire);
}

// What there is, at least as much as one call of the host gives.
Result<Received> InetSocket::receive_stream(const ReceiveRequest& request) {
  const std::size_t piece = std::min(request.sink.remaining(), TransferBuffer::kPiece);
  Received received = TRY(receive_piece(request, piece));
  while (received.bytes != 0 && received.bytes % piece == 0 && request.sink.remaining() != 0) {
    const auto more = receive_piece(request, std::min(request.sink.remaining(), piece));
    if (!more.ok() || more->bytes == 0) break;
    received.bytes += more->bytes;
  }
  return received;
}

}  // namespace runsc
