#include "boot/socket/register_all.h"

#include <cstdlib>

#include "boot/socket/host/host_interfaces.h"
#include "boot/socket/host/host_net_files.h"
#include "boot/socket/inet/inet_socket.h"
#include "boot/socket/netlink/netlink_socket.h"
#include "boot/socket/services.h"
#include "boot/socket/unix/unix_socket.h"

namespace runsc {
namespace {

// Values that the tables of sysctls refuse end the start later.
void apply_sysctls(const std::map<std::string, std::string>& sysctls, NetworkNamespace& network) {
  const auto start = sysctls.find("net.ipv4.ip_unprivileged_port_start");
  if (start != sysctls.end()) network.unprivileged_port_start = std::atoi(start->second.c_str());
  const auto range = sysctls.find("net.ipv4.ping_group_range");
  if (range == sysctls.end()) return;
  char* rest = nullptr;
  network.first_ping_group = static_cast<unsigned>(std::strtoul(range->second.c_str(), &rest, 10));
  network.last_ping_group = static_cast<unsigned>(std::strtoul(rest, nullptr, 10));
}

}  // namespace

Result<void> register_sockets(Kernel& kernel, VfsServices& services, const std::map<std::string, std::string>& sysctls,
                              int proc) {
  HostPoller& poller = kernel.host_poller();
  auto sockets = std::make_shared<SocketServices>();
  sockets->add(AF_UNIX, unix_family());
  for (const int domain : {AF_INET, AF_INET6}) sockets->add(domain, inet_family(poller, domain));
  sockets->add(AF_NETLINK, netlink_family(poller));
  sockets->add(AF_PACKET, packet_family());
  sockets->interface_ioctl = TRY(interface_requests());
  apply_sysctls(sysctls, *sockets->default_network());
  kernel.sockets = std::move(sockets);
  auto tables = std::make_shared<HostNetFiles>(proc);
  services.network_interface = TRY(host_interfaces());
  if (!tables->empty()) services.network_table = [tables](const std::string& name) { return tables->read(name); };
  return {};
}

}  // namespace runsc
