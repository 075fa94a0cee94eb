// setsockopt(2) and getsockopt(2) of HostSocket.
#include <algorithm>

#include "boot/kernel/current_task.h"
#include "boot/socket/host/host_options.h"
#include "boot/socket/host/host_socket.h"

namespace runsc {
namespace {

// Time-outs end waits that are ours, not the host's.
bool is_timeout(int name) {
  return name == SO_RCVTIMEO_OLD || name == SO_RCVTIMEO_NEW || name == SO_SNDTIMEO_OLD || name == SO_SNDTIMEO_NEW;
}

// Those that the host's socket is not asked for.
bool is_own(int name) {
  constexpr int kOwn[] = {SO_TYPE,     SO_DOMAIN, SO_PROTOCOL, SO_COOKIE,  SO_LINGER,
                          SO_PASSCRED, SO_MARK,   SO_DEBUG,    SO_SNDLOWAT};
  return is_timeout(name) || std::find(std::begin(kOwn), std::end(kOwn), name) != std::end(kOwn);
}

std::span<const std::byte> fitting(const HostOption& option, std::span<const std::byte> value) {
  return value.first(std::min(value.size(), option.longest));
}

}  // namespace

// close(2) must not wait in the host, where no signal of the application's reaches the task: the host sends what is
// left in the background, and the time is only remembered. A time of 0 means a reset, which does not wait.
Result<void> HostSocket::set_linger(CurrentTask& task, std::span<const std::byte> value) {
  TRY(options().set(task, SO_LINGER, value));
  const linger wanted = options().linger_time();
  const linger told{wanted.l_onoff != 0 && wanted.l_linger == 0, 0};
  return host_set(SOL_SOCKET, SO_LINGER, std::as_bytes(std::span(&told, 1)));
}

Result<void> HostSocket::set_socket_option(CurrentTask& task, int name, std::span<const std::byte> value) {
  switch (name) {
    case SO_LINGER:
      return set_linger(task, value);
    case SO_SNDBUFFORCE:
    case SO_RCVBUFFORCE:
      // The host's maximum stays, whatever the application may do in its own world.
      if (!task.capable(CAP_NET_ADMIN)) return Errno(EPERM);
      return set_socket_option(task, name == SO_SNDBUFFORCE ? SO_SNDBUF : SO_RCVBUF, value);
    case SO_ATTACH_FILTER:
    case SO_ATTACH_BPF:
    case SO_ATTACH_REUSEPORT_CBPF:
    case SO_ATTACH_REUSEPORT_EBPF:
      return Errno(ENOPROTOOPT);
    case SO_DETACH_FILTER:
      return Errno(ENOENT);  // none is attached
    default:
      break;
  }
  if (is_own(name)) return options().set(task, name, value);
  const HostOption* option = find_host_option(SOL_SOCKET, name);
  if (option == nullptr || !option->writable()) return Errno(ENOPROTOOPT);
  if (value.size() < option->shortest) return Errno(EINVAL);
  return host_set(SOL_SOCKET, name, fitting(*option, value));
}

Result<void> HostSocket::set_option(CurrentTask& task, int level, int name, std::span<const std::byte> value) {
  if (level == SOL_SOCKET) return set_socket_option(task, name, value);
  const HostOption* option = find_host_option(level, name);
  if (option == nullptr || !option->writable()) return Errno(ENOPROTOOPT);
  if (value.size() < option->shortest) return Errno(EINVAL);
  return host_set(level, name, fitting(*option, value));
}

Result<std::vector<std::byte>> HostSocket::get_option(CurrentTask& task, int level, int name) {
  if (level == SOL_SOCKET && is_own(name)) return Socket::get_option(task, level, name);
  if (level == SOL_SOCKET && name == SO_PEERCRED) return option_bytes(ucred{0, ~0U, ~0U});
  const HostOption* option = find_host_option(level, name);
  if (option == nullptr || !option->readable()) return Errno(ENOPROTOOPT);
  return host_get(level, name, option->longest);
}

}  // namespace runsc
