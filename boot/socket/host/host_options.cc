#include "boot/socket/host/host_options.h"

#include <linux/netlink.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace runsc {
namespace {

// Later than Debian 12's headers, or hidden by what the C library's headers define in their place.
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51
#endif
#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif
#ifndef IPV6_UNICAST_IF
#define IPV6_UNICAST_IF 76
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif
#ifndef UDP_NO_CHECK6_TX
#define UDP_NO_CHECK6_TX 101
#define UDP_NO_CHECK6_RX 102
#endif
constexpr int kOriginalDestination = 80;  // SO_ORIGINAL_DST, IP6T_SO_ORIGINAL_DST

constexpr HostOption number(int level, int name) { return {level, name, HostOption::kBoth, sizeof(int), sizeof(int)}; }
// Linux takes an int or a byte for most options of IPPROTO_IP.
constexpr HostOption byte_or_number(int level, int name) { return {level, name, HostOption::kBoth, 1, sizeof(int)}; }
constexpr HostOption told(int level, int name, std::size_t longest = sizeof(int)) {
  return {level, name, HostOption::kGet, 0, longest};
}
constexpr HostOption given(int level, int name, std::size_t shortest, std::size_t longest) {
  return {level, name, HostOption::kSet, shortest, longest};
}
constexpr HostOption both(int level, int name, std::size_t shortest, std::size_t longest) {
  return {level, name, HostOption::kBoth, shortest, longest};
}

constexpr std::size_t kInterfaceName = 16;  // IFNAMSIZ
constexpr std::size_t kAlgorithmName = 16;  // TCP_CA_NAME_MAX
constexpr std::size_t kStorage = sizeof(sockaddr_storage);

// Not here, on purpose: BPF programs (SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_*: code for the host's
// kernel), SO_ZEROCOPY (the host would read our buffers after the call), TCP_ULP, TCP_REPAIR, TCP_MD5SIG, IP_OPTIONS,
// IPV6_ADDRFORM, IP_XFRM_POLICY, netfilter's tables: much of the host's kernel that hardly any program needs.
constexpr std::array kOptions = {
    number(SOL_SOCKET, SO_REUSEADDR),
    number(SOL_SOCKET, SO_REUSEPORT),
    number(SOL_SOCKET, SO_KEEPALIVE),
    number(SOL_SOCKET, SO_BROADCAST),
    number(SOL_SOCKET, SO_DONTROUTE),
    number(SOL_SOCKET, SO_OOBINLINE),
    number(SOL_SOCKET, SO_SNDBUF),
    number(SOL_SOCKET, SO_RCVBUF),
    number(SOL_SOCKET, SO_PRIORITY),
    number(SOL_SOCKET, SO_NO_CHECK),
    number(SOL_SOCKET, SO_RCVLOWAT),
    number(SOL_SOCKET, SO_TIMESTAMP),
    number(SOL_SOCKET, SO_TIMESTAMPNS),
    number(SOL_SOCKET, SO_RXQ_OVFL),
    number(SOL_SOCKET, SO_INCOMING_CPU),
    number(SOL_SOCKET, SO_BUSY_POLL),
    both(SOL_SOCKET, SO_MAX_PACING_RATE, sizeof(int), sizeof(long)),
    both(SOL_SOCKET, SO_BINDTODEVICE, 0, kInterfaceName),
    given(SOL_SOCKET, SO_LINGER, sizeof(linger), sizeof(linger)),
    told(SOL_SOCKET, SO_ERROR),
    told(SOL_SOCKET, SO_ACCEPTCONN),
    told(SOL_SOCKET, SO_MEMINFO, 64),

    byte_or_number(IPPROTO_IP, IP_TOS),
    byte_or_number(IPPROTO_IP, IP_TTL),
    byte_or_number(IPPROTO_IP, IP_MTU_DISCOVER),
    byte_or_number(IPPROTO_IP, IP_RECVERR),
    byte_or_number(IPPROTO_IP, IP_PKTINFO),
    byte_or_number(IPPROTO_IP, IP_RECVTTL),
    byte_or_number(IPPROTO_IP, IP_RECVTOS),
    byte_or_number(IPPROTO_IP, IP_RECVOPTS),
    byte_or_number(IPPROTO_IP, IP_RECVORIGDSTADDR),
    byte_or_number(IPPROTO_IP, IP_MINTTL),
    byte_or_number(IPPROTO_IP, IP_FREEBIND),
    byte_or_number(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT),
    byte_or_number(IPPROTO_IP, IP_MULTICAST_TTL),
    byte_or_number(IPPROTO_IP, IP_MULTICAST_LOOP),
    byte_or_number(IPPROTO_IP, IP_MULTICAST_ALL),
    both(IPPROTO_IP, IP_UNICAST_IF, sizeof(int), sizeof(int)),
    both(IPPROTO_IP, IP_MULTICAST_IF, sizeof(in_addr), sizeof(ip_mreqn)),
    both(IPPROTO_IP, IP_LOCAL_PORT_RANGE, sizeof(int), sizeof(int)),
    given(IPPROTO_IP, IP_ADD_MEMBERSHIP, sizeof(ip_mreq), sizeof(ip_mreqn)),
    given(IPPROTO_IP, IP_DROP_MEMBERSHIP, sizeof(ip_mreq), sizeof(ip_mreqn)),
    given(IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, sizeof(ip_mreq_source), sizeof(ip_mreq_source)),
    given(IPPROTO_IP, IP_DROP_SOURCE_MEMBERSHIP, sizeof(ip_mreq_source), sizeof(ip_mreq_source)),
    given(IPPROTO_IP, IP_BLOCK_SOURCE, sizeof(ip_mreq_source), sizeof(ip_mreq_source)),
    given(IPPROTO_IP, IP_UNBLOCK_SOURCE, sizeof(ip_mreq_source), sizeof(ip_mreq_source)),
    given(IPPROTO_IP, MCAST_JOIN_GROUP, sizeof(group_req), sizeof(group_req)),
    given(IPPROTO_IP, MCAST_LEAVE_GROUP, sizeof(group_req), sizeof(group_req)),
    given(IPPROTO_IP, MCAST_JOIN_SOURCE_GROUP, sizeof(group_source_req), sizeof(group_source_req)),
    given(IPPROTO_IP, MCAST_LEAVE_SOURCE_GROUP, sizeof(group_source_req), sizeof(group_source_req)),
    told(IPPROTO_IP, IP_MTU),
    told(IPPROTO_IP, IP_OPTIONS, 40),
    told(IPPROTO_IP, kOriginalDestination, sizeof(sockaddr_in)),

    number(IPPROTO_IPV6, IPV6_V6ONLY),
    number(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
    number(IPPROTO_IPV6, IPV6_MULTICAST_HOPS),
    number(IPPROTO_IPV6, IPV6_MULTICAST_LOOP),
    number(IPPROTO_IPV6, IPV6_MULTICAST_IF),
    number(IPPROTO_IPV6, IPV6_MULTICAST_ALL),
    number(IPPROTO_IPV6, IPV6_RECVPKTINFO),
    number(IPPROTO_IPV6, IPV6_RECVHOPLIMIT),
    number(IPPROTO_IPV6, IPV6_RECVTCLASS),
    number(IPPROTO_IPV6, IPV6_RECVPATHMTU),
    number(IPPROTO_IPV6, IPV6_TCLASS),
    number(IPPROTO_IPV6, IPV6_RECVERR),
    number(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
    number(IPPROTO_IPV6, IPV6_MTU),
    number(IPPROTO_IPV6, IPV6_DONTFRAG),
    number(IPPROTO_IPV6, IPV6_AUTOFLOWLABEL),
    number(IPPROTO_IPV6, IPV6_ADDR_PREFERENCES),
    number(IPPROTO_IPV6, IPV6_FREEBIND),
    number(IPPROTO_IPV6, IPV6_MINHOPCOUNT),
    number(IPPROTO_IPV6, IPV6_UNICAST_IF),
    number(IPPROTO_IPV6, IPV6_RECVORIGDSTADDR),
    given(IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, sizeof(ipv6_mreq), sizeof(ipv6_mreq)),
    given(IPPROTO_IPV6, IPV6_DROP_MEMBERSHIP, sizeof(ipv6_mreq), sizeof(ipv6_mreq)),
    given(IPPROTO_IPV6, MCAST_JOIN_GROUP, sizeof(group_req), sizeof(group_req)),
    given(IPPROTO_IPV6, MCAST_LEAVE_GROUP, sizeof(group_req), sizeof(group_req)),
    given(IPPROTO_IPV6, MCAST_JOIN_SOURCE_GROUP, sizeof(group_source_req), sizeof(group_source_req)),
    given(IPPROTO_IPV6, MCAST_LEAVE_SOURCE_GROUP, sizeof(group_source_req), sizeof(group_source_req)),
    told(IPPROTO_IPV6, kOriginalDestination, sizeof(sockaddr_in6)),

    number(IPPROTO_TCP, TCP_NODELAY),
    number(IPPROTO_TCP, TCP_MAXSEG),
    number(IPPROTO_TCP, TCP_CORK),
    number(IPPROTO_TCP, TCP_KEEPIDLE),
    number(IPPROTO_TCP, TCP_KEEPINTVL),
    number(IPPROTO_TCP, TCP_KEEPCNT),
    number(IPPROTO_TCP, TCP_SYNCNT),
    number(IPPROTO_TCP, TCP_LINGER2),
    number(IPPROTO_TCP, TCP_DEFER_ACCEPT),
    number(IPPROTO_TCP, TCP_WINDOW_CLAMP),
    number(IPPROTO_TCP, TCP_QUICKACK),
    number(IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS),
    number(IPPROTO_TCP, TCP_THIN_DUPACK),
    number(IPPROTO_TCP, TCP_USER_TIMEOUT),
    number(IPPROTO_TCP, TCP_FASTOPEN),
    number(IPPROTO_TCP, TCP_TIMESTAMP),
    number(IPPROTO_TCP, TCP_NOTSENT_LOWAT),
    number(IPPROTO_TCP, TCP_INQ),
    number(IPPROTO_TCP, TCP_SAVE_SYN),
    both(IPPROTO_TCP, TCP_CONGESTION, 1, kAlgorithmName),
    told(IPPROTO_TCP, TCP_INFO, 512),
    told(IPPROTO_TCP, TCP_CC_INFO, 64),
    told(IPPROTO_TCP, TCP_SAVED_SYN, 1500),

    number(IPPROTO_UDP, UDP_CORK),
    number(IPPROTO_UDP, UDP_SEGMENT),
    number(IPPROTO_UDP, UDP_GRO),
    number(IPPROTO_UDP, UDP_NO_CHECK6_TX),
    number(IPPROTO_UDP, UDP_NO_CHECK6_RX),

    number(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP),
    number(SOL_NETLINK, NETLINK_DROP_MEMBERSHIP),
    number(SOL_NETLINK, NETLINK_PKTINFO),
    number(SOL_NETLINK, NETLINK_BROADCAST_ERROR),
    number(SOL_NETLINK, NETLINK_NO_ENOBUFS),
    number(SOL_NETLINK, NETLINK_CAP_ACK),
    number(SOL_NETLINK, NETLINK_EXT_ACK),
    number(SOL_NETLINK, NETLINK_GET_STRICT_CHK),
    told(SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, 16),
};
static_assert(std::all_of(kOptions.begin(), kOptions.end(), [](const HostOption& o) { return o.longest <= 1500; }));
static_assert(sizeof(group_source_req) == 8 + 2 * kStorage);

constexpr std::array kInterfaceQuestions = {
    SIOCGIFCONF,    SIOCGIFNAME,   SIOCGIFINDEX, SIOCGIFFLAGS,  SIOCGIFADDR, SIOCGIFDSTADDR, SIOCGIFBRDADDR,
    SIOCGIFNETMASK, SIOCGIFMETRIC, SIOCGIFMTU,   SIOCGIFHWADDR, SIOCGIFMAP,  SIOCGIFTXQLEN,
};

}  // namespace

std::span<const int> interface_questions() { return kInterfaceQuestions; }

std::span<const HostOption> host_options() { return kOptions; }

const HostOption* find_host_option(int level, int name) {
  const auto it = std::find_if(kOptions.begin(), kOptions.end(),
                               [&](const HostOption& each) { return each.level == level && each.name == name; });
  return it != kOptions.end() ? &*it : nullptr;
}

}  // namespace runsc
