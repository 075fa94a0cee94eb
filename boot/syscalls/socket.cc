// socket(2), bind(2), listen(2), accept(2), connect(2) ..
#include <sys/socket.h>

#include "boot/kernel/kernel.h"
#include "boot/socket/services.h"
#include "boot/syscalls/descriptor_pair.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/socket_io.h"

namespace runsc {
namespace {

constexpr int kTypeMask = 0xf;  // SOCK_TYPE_MASK

struct Parameters {
  const SocketFamily* family;
  NewSocket wanted;
};

Result<Parameters> socket_parameters(CurrentTask& task, int domain, int type, int protocol) {
  if ((type & ~(kTypeMask | SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) return Errno(EINVAL);
  if ((type & kTypeMask) > SOCK_PACKET) return Errno(EINVAL);
  const auto& services = task.kernel().sockets;
  const SocketFamily* family = services ? services->find(domain) : nullptr;
  if (family == nullptr) return Errno(EAFNOSUPPORT);
  const Credentials& owner = *task.credentials();
  return Parameters{family,
                    {type & kTypeMask,
                     protocol,
                     type & SOCK_NONBLOCK,
                     {task.kernel().next_inode(), owner.fs_uid, owner.fs_gid},
                     services->default_network()}};
}

}  // namespace

Result<SocketPtr> socket_of(CurrentTask& task, Fd fd) {
  auto socket = std::dynamic_pointer_cast<Socket>(TRY(task.io_file(fd)));
  if (socket == nullptr) return Errno(ENOTSOCK);
  return socket;
}

Result<SocketAddress> read_address(CurrentTask& task, UserIn<sockaddr> from, unsigned length) {
  SocketAddress address;
  if (length > address.bytes.size()) return Errno(EINVAL);
  TRY(read_exactly(task.user_memory(), from.value, std::span(address.bytes).first(length)));
  address.length = length;
  return address;
}

Result<void> write_address(CurrentTask& task, const SocketAddress& address, UserOut<sockaddr> to,
                           UserInOut<unsigned> length) {
  const int room = static_cast<int>(TRY(task.read(length.in())));
  if (room < 0) return Errno(EINVAL);
  const auto told = address.used().first(std::min<std::size_t>(room, address.length));
  TRY(write_exactly(task.user_memory(), to.value, told));
  return task.write(length.out(), address.length);
}

Result<long> sys_socket(CurrentTask& task, int domain, int type, int protocol) {
  const Parameters parameters = TRY(socket_parameters(task, domain, type, protocol));
  SocketPtr socket = TRY(parameters.family->make(task, parameters.wanted));
  const Fd fd = TRY(task.install(std::move(socket), (type & SOCK_CLOEXEC) != 0));
  return raw(fd);
}

Result<long> sys_socketpair(CurrentTask& task, int domain, int type, int protocol, UserOut<int> where) {
  Parameters parameters = TRY(socket_parameters(task, domain, type, protocol));
  if (!parameters.family->make_pair) return Errno(EOPNOTSUPP);
  parameters.wanted.second_inode = task.kernel().next_inode();
  auto [one, other] = TRY(parameters.family->make_pair(task, parameters.wanted));
  TRY(install_pair(task, {std::move(one), std::move(other)}, (type & SOCK_CLOEXEC) != 0, where));
  return 0;
}

Result<long> sys_bind(CurrentTask& task, Fd fd, UserIn<struct sockaddr> where, unsigned length) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  TRY(socket->bind(task, TRY(read_address(task, where, length))));
  return 0;
}

Result<long> sys_listen(CurrentTask& task, Fd fd, int backlog) {
  TRY(TRY(socket_of(task, fd))->listen(task, backlog));
  return 0;
}

Result<long> sys_connect(CurrentTask& task, Fd fd, UserIn<struct sockaddr> where, unsigned length) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  TRY(socket->connect(task, TRY(read_address(task, where, length))));
  return 0;
}

Result<long> sys_accept4(CurrentTask& task, Fd fd, UserOut<struct sockaddr> peer, UserInOut<unsigned> length,
                         int flags) {
  if ((flags & ~(SOCK_CLOEXEC | SOCK_NONBLOCK)) != 0) return Errno(EINVAL);
  const SocketPtr listener = TRY(socket_of(task, fd));
  SocketPtr accepted =
      TRY(retry_until_ready(task, *listener, POLLIN, listener->flags().nonblocking(),
                            listener->options().receive_timeout(), [&] { return listener->accept(flags); }));
  if (peer) {
    const auto address = accepted->peer_address();
    if (!address.ok()) return Errno(ECONNABORTED);
    TRY(write_address(task, *address, peer, length));
  }
  const Fd installed = TRY(task.install(std::move(accepted), (flags & SOCK_CLOEXEC) != 0));
  return raw(installed);
}

Result<long> sys_accept(CurrentTask& task, Fd fd, UserOut<struct sockaddr> peer, UserInOut<unsigned> length) {
  return sys_accept4(task, fd, peer, length, 0);
}

Result<long> sys_getsockname(CurrentTask& task, Fd fd, UserOut<struct sockaddr> where, UserInOut<unsigned> length) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  TRY(write_address(task, TRY(socket->local_address()), where, length));
  return 0;
}

Result<long> sys_getpeername(CurrentTask& task, Fd fd, UserOut<struct sockaddr> where, UserInOut<unsigned> length) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  TRY(write_address(task, TRY(socket->peer_address()), where, length));
  return 0;
}

Result<long> sys_shutdown(CurrentTask& task, Fd fd, int how) {
  TRY(TRY(socket_of(task, fd))->shutdown(how));
  return 0;
}

Result<long> sys_setsockopt(CurrentTask& task, Fd fd, int level, int name, UserIn<std::byte> where, unsigned length) {
  // No option is longer; what lies behind is not looked at.
  constexpr unsigned kLongest = 4096;
  const SocketPtr socket = TRY(socket_of(task, fd));
  if (static_cast<int>(length) < 0) return Errno(EINVAL);
  const auto value = TRY(task.read_array(where, std::min(length, kLongest)));
  TRY(socket->set_option(task, level, name, value));
  return 0;
}

Result<long> sys_getsockopt(CurrentTask& task, Fd fd, int level, int name, UserOut<std::byte> where,
                            UserInOut<unsigned> length) {
  const SocketPtr socket = TRY(socket_of(task, fd));
  const int room = static_cast<int>(TRY(task.read(length.in())));
  if (room < 0) return Errno(EINVAL);
  const auto value = TRY(socket->get_option(task, level, name));
  const auto told = std::span<const std::byte>(value).first(std::min<std::size_t>(room, value.size()));
  TRY(task.write_array(where, told));
  TRY(task.write(length.out(), static_cast<unsigned>(told.size())));
  return 0;
}

}  // namespace runsc
