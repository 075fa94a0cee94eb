#include "boot/socket/socket.h"

#include <linux/sockios.h>
#include <sys/stat.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/socket/services.h"

namespace runsc {
namespace {

// Requests about interfaces that only sockets of AF_INET take.
bool about_addresses(std::uint32_t command) {
  return command == SIOCGIFADDR || command == SIOCGIFDSTADDR || command == SIOCGIFBRDADDR || command == SIOCGIFNETMASK;
}

}  // namespace

Socket::Socket(int domain, int type, int protocol, int flags, const AnonymousIdentity& identity)
    : FileDescription(VfsPath{}, OpenFlags{O_RDWR | (flags & O_NONBLOCK)}),
      domain_(domain),
      type_(type),
      protocol_(protocol),
      identity_(identity),
      attributes_(anonymous_attributes(identity, AnonymousDevice::kSocket, S_IFSOCK | 0777)) {}

Result<void> Socket::bind(CurrentTask&, const SocketAddress&) { return Errno(EOPNOTSUPP); }
Result<void> Socket::listen(CurrentTask&, int) { return Errno(EOPNOTSUPP); }
Result<void> Socket::connect(CurrentTask&, const SocketAddress&) { return Errno(EOPNOTSUPP); }
Result<SocketPtr> Socket::accept(int) { return Errno(EOPNOTSUPP); }
Result<std::size_t> Socket::send(SendRequest&) { return Errno(EOPNOTSUPP); }
Result<Received> Socket::receive(const ReceiveRequest&) { return Errno(EOPNOTSUPP); }
Result<void> Socket::shutdown(int) { return Errno(EOPNOTSUPP); }
Result<SocketAddress> Socket::local_address() { return Errno(EOPNOTSUPP); }
Result<SocketAddress> Socket::peer_address() { return Errno(EOPNOTSUPP); }

Result<void> Socket::set_option(CurrentTask& task, int level, int name, std::span<const std::byte> value) {
  if (level != SOL_SOCKET) return Errno(EOPNOTSUPP);
  return options_.set(task, name, value);
}

Result<std::vector<std::byte>> Socket::get_option(CurrentTask&, int level, int name) {
  if (level != SOL_SOCKET) return Errno(EOPNOTSUPP);
  switch (name) {
    case SO_TYPE:
      return option_bytes(type_);
    case SO_DOMAIN:
      return option_bytes(domain_);
    case SO_PROTOCOL:
      return option_bytes(protocol_);
    case SO_ERROR:
      return option_bytes(take_error());
    case SO_ACCEPTCONN:
      return option_bytes<int>(listening());
    case SO_COOKIE:
      return option_bytes(identity_.inode);
    default:
      return options_.get(name);
  }
}

Result<std::int64_t> Socket::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  const auto& services = task.kernel().sockets;
  if (!services || !services->interface_ioctl || (domain_ != AF_INET && about_addresses(command))) return Errno(ENOTTY);
  return services->interface_ioctl(task, command, argument);
}

std::string Socket::anonymous_name() const { return "socket:[" + std::to_string(identity_.inode) + "]"; }

Result<std::size_t> Socket::read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) {
  if (offset) return Errno(ESPIPE);
  if (sink.remaining() == 0) return 0;
  (void)rwf;
  return TRY(receive({sink, 0})).bytes;
}

Result<std::size_t> Socket::write(IoSource& source, std::optional<std::uint64_t> offset, int rwf) {
  if (offset) return Errno(ESPIPE);
  (void)rwf;
  SendRequest request{source, 0, nullptr, nullptr, {{}, current_sender()}};
  return send(request);
}

}  // namespace runsc
