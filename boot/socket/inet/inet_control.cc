// Control messages of sendmsg(2) for the host's TCP/IP sockets.
#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "boot/socket/inet/inet_socket.h"

namespace runsc {
namespace {

struct ControlMessage {
  int level;
  int type;
  std::size_t shortest, longest;  // of the value
};
constexpr std::array kMessages = {
    ControlMessage{IPPROTO_IP, IP_PKTINFO, sizeof(in_pktinfo), sizeof(in_pktinfo)},
    ControlMessage{IPPROTO_IP, IP_TTL, sizeof(int), sizeof(int)},
    ControlMessage{IPPROTO_IP, IP_TOS, 1, sizeof(int)},
    ControlMessage{IPPROTO_IPV6, IPV6_PKTINFO, sizeof(in6_pktinfo), sizeof(in6_pktinfo)},
    ControlMessage{IPPROTO_IPV6, IPV6_HOPLIMIT, sizeof(int), sizeof(int)},
    ControlMessage{IPPROTO_IPV6, IPV6_TCLASS, sizeof(int), sizeof(int)},
    ControlMessage{IPPROTO_IPV6, IPV6_DONTFRAG, sizeof(int), sizeof(int)},
    ControlMessage{IPPROTO_UDP, UDP_SEGMENT, sizeof(std::uint16_t), sizeof(std::uint16_t)},
};

bool allowed(const cmsghdr& header) {
  const std::size_t length = header.cmsg_len - sizeof(cmsghdr);
  return std::any_of(kMessages.begin(), kMessages.end(), [&](const ControlMessage& each) {
    return each.level == header.cmsg_level && each.type == header.cmsg_type && length >= each.shortest &&
           length <= each.longest;
  });
}

}  // namespace

Result<std::vector<std::byte>> checked_inet_control(std::span<const std::byte> control) {
  for (auto rest = control; rest.size() >= sizeof(cmsghdr);) {
    cmsghdr header;
    std::memcpy(&header, rest.data(), sizeof header);
    if (header.cmsg_len < sizeof header || header.cmsg_len > rest.size() || !allowed(header)) return Errno(EINVAL);
    rest = rest.subspan(std::min(CMSG_ALIGN(header.cmsg_len), rest.size()));
  }
  return std::vector<std::byte>(control.begin(), control.end());
}

}  // namespace runsc
