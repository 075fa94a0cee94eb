// Options of TCP and UDP sockets, and ioctl(2) about interfaces.
#include <ifaddrs.h>
#include <linux/filter.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "test/guest/support/child.h"
#include "test/guest/support/inet.h"

namespace guest {
namespace {

struct Number {
  int level, name, value;
};

void ExpectKept(const Fd& fd, std::initializer_list<Number> numbers) {
  for (const Number& each : numbers) {
    EXPECT_OK(SetIntOption(fd, each.level, each.name, each.value)) << each.level << " " << each.name;
    EXPECT_EQ(each.value, IntOption(fd, each.level, each.name)) << each.level << " " << each.name;
  }
}

TEST(InetOption, NumbersOfStreams) {
  Fd fd = InetSocket(AF_INET, SOCK_STREAM);
  ExpectKept(fd, {{SOL_SOCKET, SO_REUSEADDR, 1},
                  {SOL_SOCKET, SO_REUSEPORT, 1},
                  {SOL_SOCKET, SO_KEEPALIVE, 1},
                  {SOL_SOCKET, SO_OOBINLINE, 1},
                  {SOL_SOCKET, SO_DONTROUTE, 1},
                  {SOL_SOCKET, SO_PRIORITY, 3},
                  {SOL_SOCKET, SO_RCVLOWAT, 1},
                  {IPPROTO_TCP, TCP_NODELAY, 1},
                  {IPPROTO_TCP, TCP_KEEPIDLE, 11},
                  {IPPROTO_TCP, TCP_KEEPINTVL, 12},
                  {IPPROTO_TCP, TCP_KEEPCNT, 5},
                  {IPPROTO_TCP, TCP_SYNCNT, 4},
                  {IPPROTO_TCP, TCP_LINGER2, 9},
                  {IPPROTO_TCP, TCP_USER_TIMEOUT, 9},
                  {IPPROTO_IP, IP_TTL, 33},
                  {IPPROTO_IP, IP_TOS, 0x08},
                  {IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO}});
}

TEST(InetOption, NumbersOfDatagrams) {
  Fd fd = InetSocket(AF_INET, SOCK_DGRAM);
  ExpectKept(fd, {{SOL_SOCKET, SO_BROADCAST, 1},
                  {IPPROTO_IP, IP_PKTINFO, 1},
                  {IPPROTO_IP, IP_RECVERR, 1},
                  {IPPROTO_IP, IP_MULTICAST_TTL, 5},
                  {IPPROTO_IP, IP_RECVTTL, 1},
                  {IPPROTO_IP, IP_FREEBIND, 1},
                  {IPPROTO_IP, IP_MULTICAST_LOOP, 0},
                  {IPPROTO_UDP, 1 /* UDP_CORK */, 0}});
}

TEST(InetOption, NumbersOfV6) {
  Fd fd(socket(AF_INET6, SOCK_DGRAM, 0));
  if (!fd.valid()) GTEST_SKIP() << "no IPv6 here";
  ExpectKept(fd, {{IPPROTO_IPV6, IPV6_V6ONLY, 1},
                  {IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9},
                  {IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 8},
                  {IPPROTO_IPV6, IPV6_RECVPKTINFO, 1},
                  {IPPROTO_IPV6, IPV6_TCLASS, 4}});
}

TEST(InetOption, TellsTheKind) {
  Fd tcp = InetSocket(AF_INET, SOCK_STREAM), udp = InetSocket(AF_INET, SOCK_DGRAM);
  EXPECT_EQ(SOCK_STREAM, IntOption(tcp, SOL_SOCKET, SO_TYPE));
  EXPECT_EQ(AF_INET, IntOption(tcp, SOL_SOCKET, SO_DOMAIN));
  EXPECT_EQ(IPPROTO_TCP, IntOption(tcp, SOL_SOCKET, SO_PROTOCOL));
  EXPECT_EQ(IPPROTO_UDP, IntOption(udp, SOL_SOCKET, SO_PROTOCOL));
  EXPECT_EQ(0, IntOption(tcp, SOL_SOCKET, SO_ACCEPTCONN));
  Fd listener = InetListener(AF_INET);
  EXPECT_EQ(1, IntOption(listener, SOL_SOCKET, SO_ACCEPTCONN));
}

TEST(InetOption, BufferSizesAreDoubled) {
  Fd fd = InetSocket(AF_INET, SOCK_STREAM);
  EXPECT_OK(SetIntOption(fd, SOL_SOCKET, SO_SNDBUF, 10000));
  EXPECT_EQ(20000, IntOption(fd, SOL_SOCKET, SO_SNDBUF));
  EXPECT_OK(SetIntOption(fd, SOL_SOCKET, SO_RCVBUF, 10000));
  EXPECT_EQ(20000, IntOption(fd, SOL_SOCKET, SO_RCVBUF));
}

TEST(InetOption, LingerAndTimeouts) {
  Fd fd = InetSocket(AF_INET, SOCK_STREAM);
  linger kept = {1, 5}, told = {};
  socklen_t length = sizeof told;
  EXPECT_OK(setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &kept, sizeof kept));
  EXPECT_OK(getsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &told, &length));
  EXPECT_EQ(5, told.l_linger);
  timeval time = {3, 0}, got = {};
  length = sizeof got;
  EXPECT_OK(setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time));
  EXPECT_OK(getsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &got, &length));
  EXPECT_EQ(3, got.tv_sec);
}

TEST(InetOption, WrongLengthsAndNames) {
  Fd fd = InetSocket(AF_INET, SOCK_STREAM);
  int one = 1;
  socklen_t length = sizeof one;
  EXPECT_ERRNO(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, 3), EINVAL);
  EXPECT_ERRNO(setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, 2), EINVAL);
  EXPECT_ERRNO(setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, reinterpret_cast<void*>(8), sizeof one), EFAULT);
  EXPECT_ERRNO(setsockopt(fd.get(), IPPROTO_TCP, 9999, &one, sizeof one), ENOPROTOOPT);
  EXPECT_ERRNO(getsockopt(fd.get(), IPPROTO_TCP, 9999, &one, &length), ENOPROTOOPT);
  EXPECT_ERRNO(getsockopt(fd.get(), SOL_SOCKET, 9999, &one, &length), ENOPROTOOPT);
  EXPECT_ERRNO(setsockopt(fd.get(), SOL_SOCKET, SO_TYPE, &one, sizeof one), ENOPROTOOPT);
  EXPECT_OK(setsockopt(fd.get(), IPPROTO_IP, IP_TTL, "\x09", 1));
  EXPECT_EQ(9, IntOption(fd, IPPROTO_IP, IP_TTL));
  EXPECT_ERRNO(SetIntOption(fd, IPPROTO_IP, IP_TTL, 1000), EINVAL);
}

TEST(InetOption, ShortRoomCutsTheValue) {
  Fd fd = InetSocket(AF_INET, SOCK_STREAM);
  char bytes[4] = {9, 9, 9, 9};
  socklen_t length = 1;
  EXPECT_OK(getsockopt(fd.get(), SOL_SOCKET, SO_TYPE, bytes, &length));
  EXPECT_EQ(1u, length);
  EXPECT_EQ(SOCK_STREAM, bytes[0]);
  EXPECT_EQ(9, bytes[1]);
}

TEST(InetOption, TcpInfo) {
  TcpPair pair;
  tcp_info info = {};
  socklen_t length = sizeof info;
  EXPECT_OK(getsockopt(pair.client.get(), IPPROTO_TCP, TCP_INFO, &info, &length));
  EXPECT_EQ(TCP_ESTABLISHED, info.tcpi_state);
  char name[16] = {};
  length = sizeof name;
  EXPECT_OK(getsockopt(pair.client.get(), IPPROTO_TCP, TCP_CONGESTION, name, &length));
  EXPECT_NE("", std::string(name));
}

TEST(InetOption, ReusePortSharesAPort) {
  Fd a = InetSocket(AF_INET, SOCK_STREAM), b = InetSocket(AF_INET, SOCK_STREAM);
  EXPECT_OK(SetIntOption(a, SOL_SOCKET, SO_REUSEPORT, 1));
  InetAddress any = Loopback(AF_INET);
  ASSERT_OK(bind(a.get(), any.get(), any.length));
  InetAddress same = LocalAddress(a);
  EXPECT_ERRNO(bind(b.get(), same.get(), same.length), EADDRINUSE);
  EXPECT_OK(SetIntOption(b, SOL_SOCKET, SO_REUSEPORT, 1));
  EXPECT_OK(bind(b.get(), same.get(), same.length));
}

TEST(Interface, LoopbackByIoctl) {
  for (const int family : {AF_INET, AF_UNIX}) {
    Fd fd(socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request = {};
    strcpy(request.ifr_name, "lo");
    ASSERT_OK(ioctl(fd.get(), SIOCGIFINDEX, &request));
    EXPECT_EQ(1, request.ifr_ifindex);
    ASSERT_OK(ioctl(fd.get(), SIOCGIFFLAGS, &request));
    EXPECT_EQ(IFF_UP | IFF_LOOPBACK, request.ifr_flags & (IFF_UP | IFF_LOOPBACK));
    ASSERT_OK(ioctl(fd.get(), SIOCGIFMTU, &request));
    EXPECT_EQ(65536, request.ifr_mtu);
    if (family != AF_INET) {
      EXPECT_ERRNO(ioctl(fd.get(), SIOCGIFADDR, &request), ENOTTY);
      continue;
    }
    ASSERT_OK(ioctl(fd.get(), SIOCGIFADDR, &request));
    EXPECT_EQ(htonl(INADDR_LOOPBACK), reinterpret_cast<sockaddr_in*>(&request.ifr_addr)->sin_addr.s_addr);
    strcpy(request.ifr_name, "nosuch0");
    EXPECT_ERRNO(ioctl(fd.get(), SIOCGIFINDEX, &request), ENODEV);
  }
}

TEST(Interface, ListByIoctl) {
  Fd fd = InetSocket(AF_INET, SOCK_DGRAM);
  ifconf list = {};
  ASSERT_OK(ioctl(fd.get(), SIOCGIFCONF, &list));
  EXPECT_GE(list.ifc_len, static_cast<int>(sizeof(ifreq)));
  ifreq entries[64];
  list.ifc_len = sizeof entries;
  list.ifc_req = entries;
  ASSERT_OK(ioctl(fd.get(), SIOCGIFCONF, &list));
  ASSERT_GE(list.ifc_len, static_cast<int>(sizeof(ifreq)));
  EXPECT_STREQ("lo", entries[0].ifr_name);
  list.ifc_len = 3;
  ASSERT_OK(ioctl(fd.get(), SIOCGIFCONF, &list));
  EXPECT_EQ(0, list.ifc_len);
}

TEST(Interface, ChangesNeedACapability) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    Fd fd = InetSocket(AF_INET, SOCK_DGRAM);
    ifreq request = {};
    strcpy(request.ifr_name, "lo");
    EXPECT_ERRNO(ioctl(fd.get(), SIOCSIFFLAGS, &request), EPERM);
    EXPECT_ERRNO(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
    EXPECT_ERRNO(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
    Fd tcp = InetSocket(AF_INET, SOCK_STREAM);
    EXPECT_ERRNO(SetIntOption(tcp, SOL_SOCKET, SO_MARK, 1), EPERM);
    EXPECT_ERRNO(SetIntOption(tcp, SOL_SOCKET, SO_PRIORITY, 7), EPERM);
    EXPECT_ERRNO(SetIntOption(tcp, SOL_SOCKET, SO_RCVBUFFORCE, 5000), EPERM);
  });
}

TEST(Interface, UnknownCommandIsEnotty) {
  Fd fd = InetSocket(AF_INET, SOCK_DGRAM);
  int value = 0;
  EXPECT_ERRNO(ioctl(fd.get(), 0x5abc, &value), ENOTTY);
}

TEST(Interface, Getifaddrs) {
  ifaddrs* all = nullptr;
  ASSERT_OK(getifaddrs(&all));
  bool found = false;
  for (ifaddrs* each = all; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    found |= std::string(each->ifa_name) == "lo" &&
             reinterpret_cast<sockaddr_in*>(each->ifa_addr)->sin_addr.s_addr == htonl(INADDR_LOOPBACK);
  }
  freeifaddrs(all);
  EXPECT_TRUE(found);
}

TEST(Interface, NamesAndNumbers) {
  EXPECT_EQ(1u, if_nametoindex("lo"));
  char name[IF_NAMESIZE];
  EXPECT_STREQ("lo", if_indextoname(1, name));
}

}  // namespace
}  // namespace guest
