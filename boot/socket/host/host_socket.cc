#include "boot/socket/host/host_socket.h"

#include <sys/stat.h>

namespace runsc {
namespace {

// What the host gets to see of the application's flags, and the application of the host's.
constexpr int kReceiveFlags = MSG_OOB | MSG_PEEK | MSG_TRUNC | MSG_ERRQUEUE;
constexpr int kToldFlags = MSG_OOB | MSG_TRUNC | MSG_CTRUNC | MSG_EOR | MSG_ERRQUEUE;

// More than all control messages together that the options of host_options.cc can cause.
constexpr std::size_t kControlRoom = 1024;

}  // namespace

Result<UniqueFd> make_host_socket(int domain, int type, int protocol) {
  UniqueFd host(::socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!host) return errno == EMFILE ? Errno(ENFILE) : last_errno();
  return host;
}

NewSocket with_host_inode(const UniqueFd& host, NewSocket parameters) {
  struct stat status {};
  if (::fstat(host.get(), &status) == 0) parameters.identity.inode = status.st_ino;
  return parameters;
}

HostSocket::HostSocket(HostPoller& poller, UniqueFd host, int domain, const NewSocket& parameters)
    : Socket(domain, parameters.type, parameters.protocol, parameters.flags, parameters.identity),
      poller_(poller),
      host_(std::move(host)) {}

HostSocket::~HostSocket() {
  if (polled_.load(std::memory_order_acquire)) poller_.remove(host_.get());
}

WaitQueue* HostSocket::wait_queue() {
  std::call_once(poll_once_,
                 [this] { polled_.store(poller_.add(host_.get(), queue_).ok(), std::memory_order_release); });
  return &queue_;
}

EventMask HostSocket::readiness(EventMask interest) {
  return HostPoller::readiness(host_.get(), interest | kAlwaysReported);
}

Result<void> HostSocket::shutdown(int how) {
  TRY(host_result([&] { return ::shutdown(host_.get(), how); }));
  return {};
}

Result<SocketAddress> HostSocket::local_address() {
  SocketAddress address;
  address.length = address.bytes.size();
  TRY(host_result(
      [&] { return ::getsockname(host_.get(), reinterpret_cast<sockaddr*>(address.bytes.data()), &address.length); }));
  return address;
}

Result<SocketAddress> HostSocket::peer_address() {
  SocketAddress address;
  address.length = address.bytes.size();
  TRY(host_result(
      [&] { return ::getpeername(host_.get(), reinterpret_cast<sockaddr*>(address.bytes.data()), &address.length); }));
  return address;
}

Result<std::size_t> HostSocket::host_send(const msghdr& message, int flags) {
  const ssize_t count =
      TRY(host_result([&] { return ::sendmsg(host_.get(), &message, flags | MSG_DONTWAIT | MSG_NOSIGNAL); }));
  return static_cast<std::size_t>(count);
}

Result<Received> HostSocket::receive_piece(const ReceiveRequest& request, std::size_t room) {
  TransferBuffer buffer(room);
  alignas(cmsghdr) std::byte control[kControlRoom];
  Received received;
  iovec vector{buffer.span().data(), room};
  msghdr header{};
  header.msg_name = received.from.bytes.data();
  header.msg_namelen = received.from.bytes.size();
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  // Of a message the host says how long it is although the application may not have asked. A stream throws away.
  const int flags = request.flags & kReceiveFlags;
  const int told = (is_stream() ? flags : flags | MSG_TRUNC) | MSG_DONTWAIT;
  received.full_length =
      static_cast<std::size_t>(TRY(host_result([&] { return ::recvmsg(host_.get(), &header, told); })));
  received.from.length = std::min<unsigned>(header.msg_namelen, received.from.bytes.size());
  received.flags = header.msg_flags & kToldFlags;
  received.control.assign(control, control + header.msg_controllen);
  if (is_stream() && (flags & MSG_TRUNC) != 0) return received;
  const auto data = std::span<const std::byte>(buffer.span()).first(std::min(received.full_length, room));
  received.bytes = data.empty() ? 0 : TRY(request.sink.put(data));
  return received;
}

Result<std::vector<std::byte>> HostSocket::host_get(int level, int name, std::size_t room) {
  std::vector<std::byte> value(room);
  socklen_t length = static_cast<socklen_t>(room);
  TRY(host_result([&] { return ::getsockopt(host_.get(), level, name, value.data(), &length); }));
  value.resize(std::min<std::size_t>(length, room));
  return value;
}

Result<void> HostSocket::host_set(int level, int name, std::span<const std::byte> value) {
  TRY(host_result(
      [&] { return ::setsockopt(host_.get(), level, name, value.data(), static_cast<socklen_t>(value.size())); }));
  return {};
}

}  // namespace runsc
