#include "boot/socket/host/host_interfaces.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "boot/socket/host/host_socket.h"

namespace runsc {
namespace {

Result<ifreq> ask(int socket, const std::string& name, unsigned long command) {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name) return Errno(ENODEV);
  std::memcpy(request.ifr_name, name.data(), name.size());
  TRY(host_result([&] { return ::ioctl(socket, command, &request); }));
  return request;
}

Result<NetworkInterface> describe(int socket, const std::string& name) {
  NetworkInterface out;
  out.index = TRY(ask(socket, name, SIOCGIFINDEX)).ifr_ifindex;
  out.flags = static_cast<unsigned short>(TRY(ask(socket, name, SIOCGIFFLAGS)).ifr_flags);
  out.mtu = static_cast<unsigned>(TRY(ask(socket, name, SIOCGIFMTU)).ifr_mtu);
  out.queue_length = static_cast<unsigned>(TRY(ask(socket, name, SIOCGIFTXQLEN)).ifr_qlen);
  const ifreq hardware = TRY(ask(socket, name, SIOCGIFHWADDR));
  out.type = hardware.ifr_hwaddr.sa_family;
  std::memcpy(out.address.data(), hardware.ifr_hwaddr.sa_data, out.address.size());
  return out;
}

}  // namespace

Result<std::function<Result<NetworkInterface>(const std::string&)>> host_interfaces() {
  const auto socket = std::make_shared<UniqueFd>(TRY(make_host_socket(AF_INET, SOCK_DGRAM, 0)));
  return [socket](const std::string& name) { return describe(socket->get(), name); };
}

}  // namespace runsc
