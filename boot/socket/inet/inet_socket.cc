#include "boot/socket/inet/inet_socket.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/thread_task.h"

namespace runsc {
namespace {

// Without the scope id, as RFC 2133 had it: SIN6_LEN_RFC2133.
constexpr unsigned kShortInet6 = 24;

const sockaddr* raw_address(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(address.bytes.data());
}

// 0: none, or the host shall choose.
int port_of(const SocketAddress& address) {
  sockaddr_in6 value{};  // the port lies at the same place in both
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  std::memcpy(&value, address.bytes.data(), std::min<std::size_t>(address.length, sizeof value));
  return ntohs(value.sin6_port);
}

}  // namespace

Result<SocketAddress> checked_inet_address(const SocketAddress& address) {
  if (address.length < sizeof(sa_family_t)) return Errno(EINVAL);
  const int family = address.family();
  if (family != AF_INET && family != AF_INET6 && family != AF_UNSPEC) return Errno(EAFNOSUPPORT);
  if (family == AF_INET && address.length < sizeof(sockaddr_in)) return Errno(EINVAL);
  if (family == AF_INET6 && address.length < kShortInet6) return Errno(EINVAL);
  const std::size_t most = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  return SocketAddress::of(address.used().first(std::min<std::size_t>(address.length, most)));
}

InetSocket::InetSocket(HostPoller& poller, UniqueFd host, int domain, const NewSocket& parameters)
    : HostSocket(poller, std::move(host), domain, parameters), network_(parameters.network) {}

Result<void> InetSocket::bind(CurrentTask& task, const SocketAddress& address) {
  const SocketAddress wanted = TRY(checked_inet_address(address));
  const bool has_ports = protocol() != IPPROTO_ICMP && protocol() != IPPROTO_ICMPV6;
  const int port = has_ports ? port_of(wanted) : 0;
  const bool reserved = port != 0 && port < network_->unprivileged_port_start;
  if (reserved && !task.capable(CAP_NET_BIND_SERVICE)) return Errno(EACCES);
  TRY(host_result([&] { return ::bind(host(), raw_address(wanted), wanted.length); }));
  return {};
}

Result<void> InetSocket::listen(CurrentTask&, int backlog) {
  TRY(host_result([&] { return ::listen(host(), backlog); }));
  return {};
}

Result<void> InetSocket::shutdown(int how) {
  // Also when the host says ENOTCONN: it wakes who waits nevertheless.
  if (how == SHUT_RD || how == SHUT_RDWR) read_shutdown_.store(true, std::memory_order_release);
  const Result<void> done = HostSocket::shutdown(how);
  wait_queue()->notify(kAllEvents);
  return done;
}

Result<void> InetSocket::host_connect(const SocketAddress& address) {
  TRY(host_result([&] { return ::connect(host(), raw_address(address), address.length); }));
  return {};
}

Result<void> InetSocket::connect(CurrentTask& task, const SocketAddress& address) {
  const SocketAddress wanted = TRY(checked_inet_address(address));
  const Result<void> begun = host_connect(wanted);
  // EALREADY: an earlier call was interrupted or did not wait; one that waits then waits for the same end.
  const bool under_way = !begun.ok() && (begun.error() == Errno(EINPROGRESS) || begun.error() == Errno(EALREADY));
  if (!under_way || flags().nonblocking()) return begun;
  return wait_for_connection(task, wanted);
}

Result<void> InetSocket::wait_for_connection(CurrentTask& task, const SocketAddress& address) {
  const auto timeout = options().send_timeout();
  const auto deadline = timeout ? OptionalDeadline(Deadline::after(*timeout)) : std::nullopt;
  const auto waited = task.wait(*wait_queue(), POLLOUT, deadline,
                                [&] { return (readiness(POLLOUT) & (POLLOUT | POLLERR | POLLHUP)) != 0; });
  if (waited.ok()) return host_connect(address);  // tells how it ended, and that the application knows
  if (waited.error() == Errno(ETIMEDOUT)) return Errno(EINPROGRESS);
  return deadline ? Errno(EINTR) : waited.error();
}

Result<SocketPtr> InetSocket::accept(int flags) {
  UniqueFd accepted(
      TRY(host_result([&] { return ::accept4(host(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); })));
  NewSocket parameters{type(), protocol(), flags & O_NONBLOCK, identity(), network_};
  if (const Task* task = task_of_this_thread()) {
    parameters.identity.uid = task->credentials()->fs_uid;
    parameters.identity.gid = task->credentials()->fs_gid;
  }
  parameters = with_host_inode(accepted, parameters);
  auto socket = std::make_shared<InetSocket>(poller(), std::move(accepted), domain(), parameters);
  socket->options().inherit(options());
  return SocketPtr(std::move(socket));
}

Result<std::int64_t> InetSocket::copy_from_host(CurrentTask& task, std::uint32_t command, std::uint64_t argument,
                                                std::size_t size) {
  std::array<std::byte, 16> value{};
  TRY(host_result([&] { return ::ioctl(host(), command, value.data()); }));
  TRY(task.write_array(UserOut<std::byte>{{argument}}, std::span<const std::byte>(value).first(size)));
  return 0;
}

Result<std::int64_t> InetSocket::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  switch (command) {
    case SIOCINQ:   // FIONREAD
    case SIOCOUTQ:  // TIOCOUTQ
    case SIOCOUTQNSD:
    case SIOCATMARK:
      return copy_from_host(task, command, argument, sizeof(int));
    case SIOCGSTAMP_OLD:
    case SIOCGSTAMPNS_OLD:
      return copy_from_host(task, command, argument, sizeof(timeval));
    default:
      return Socket::ioctl(task, command, argument);
  }
}

}  // namespace runsc
