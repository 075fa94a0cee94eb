#include "boot/socket/host/host_net_files.h"

#include <fcntl.h>

#include <memory>

#include "boot/base/host_call.h"

namespace runsc {
namespace {

constexpr const char* kNames[] = {"arp",   "dev",        "dev_mcast", "icmp", "icmp6", "if_inet6", "igmp",
                                  "igmp6", "ipv6_route", "netstat",   "raw",  "raw6",  "route",    "snmp",
                                  "snmp6", "sockstat",   "sockstat6", "tcp",  "tcp6",  "udp",      "udp6"};
// Ten thousand connections; a longer table is cut.
constexpr std::size_t kLongest = 2 * 1024 * 1024;
constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

HostNetFiles::HostNetFiles(int proc) {
  if (proc < 0) return;
  for (const char* name : kNames) {
    UniqueFd file(::openat(proc, ("self/net/" + std::string(name)).c_str(), O_RDONLY | O_CLOEXEC));
    if (file) files_.emplace(name, std::move(file));
  }
}

Result<std::string> HostNetFiles::read(const std::string& name) const {
  const auto it = files_.find(name);
  if (it == files_.end()) return Errno(ENOENT);
  const auto piece = std::make_unique_for_overwrite<char[]>(kPiece);
  std::string text;
  while (text.size() < kLongest) {
    const ssize_t count =
        TRY(HOST_CALL(::pread(it->second.get(), piece.get(), kPiece, static_cast<off_t>(text.size()))));
    if (count == 0) break;
    text.append(piece.get(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace runsc
