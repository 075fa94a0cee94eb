// UDP and ping sockets over the loopback interface: messages, addresses, control messages, errors.
// clang-format off: linux/errqueue.h uses time.h without including it
#include <time.h>
// clang-format on
#include <linux/capability.h>
#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/ip.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <thread>
#include <vector>

#include "test/guest/support/child.h"
#include "test/guest/support/inet.h"

namespace guest {
namespace {

std::string Receive(const Fd& fd, int flags = 0, size_t size = 65536) {
  std::string out(size, 0);
  ssize_t n = recv(fd.get(), out.data(), size, flags);
  if (n < 0) return "error " + ErrnoText(errno);
  out.resize(std::min(static_cast<size_t>(n), size));
  return out;
}

long SendTo(const Fd& fd, const std::string& data, const Fd& target) {
  InetAddress to = LocalAddress(target);
  return sendto(fd.get(), data.data(), data.size(), 0, to.get(), to.length);
}

// One recvmsg with its parts.
struct Message {
  std::string data = std::string(2048, 0);
  InetAddress from;
  alignas(cmsghdr) char control[512] = {};
  msghdr header = {};
  iovec vector = {data.data(), data.size()};

  explicit Message(size_t room = 2048, size_t control_room = sizeof(Message::control)) {
    vector.iov_len = room;
    header.msg_name = from.get();
    header.msg_namelen = from.length;
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = control_room;
  }
  long Receive(const Fd& fd, int flags = 0) { return recvmsg(fd.get(), &header, flags); }
  // The value of a control message; empty: it is not there.
  std::string Control(int level, int type) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
      if (c->cmsg_level != level || c->cmsg_type != type) continue;
      return std::string(reinterpret_cast<char*>(CMSG_DATA(c)), c->cmsg_len - CMSG_LEN(0));
    }
    return "";
  }
};

TEST(Udp, MessagesKeepTheirBounds) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  EXPECT_EQ(3, SendTo(a, "one", b));
  EXPECT_EQ(0, SendTo(a, "", b));
  EXPECT_EQ(5, SendTo(a, "three", b));
  EXPECT_EQ("one", Receive(b));
  EXPECT_EQ("", Receive(b));
  EXPECT_EQ("three", Receive(b));
  EXPECT_EQ("error EAGAIN", Receive(b, MSG_DONTWAIT));
}

TEST(Udp, TellsTheSender) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  SendTo(a, "x", b);
  InetAddress from;
  char byte;
  EXPECT_EQ(1, recvfrom(b.get(), &byte, 1, 0, from.get(), &from.length));
  EXPECT_EQ(sizeof(sockaddr_in), from.length);
  EXPECT_EQ(LocalAddress(a).port(), from.port());
}

TEST(Udp, V6) {
  Fd a(socket(AF_INET6, SOCK_DGRAM, 0));
  InetAddress any = Loopback(AF_INET6);
  if (!a.valid() || bind(a.get(), any.get(), any.length) != 0) GTEST_SKIP() << "no IPv6 here";
  Fd b = BoundSocket(AF_INET6, SOCK_DGRAM);
  EXPECT_EQ(2, SendTo(a, "v6", b));
  EXPECT_EQ("v6", Receive(b));
}

TEST(Udp, CutsWhatDoesNotFit) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  for (int i = 0; i < 3; ++i) SendTo(a, "abcdef", b);
  EXPECT_EQ("abc", Receive(b, 0, 3));
  char small[3];
  EXPECT_EQ(6, recv(b.get(), small, sizeof small, MSG_TRUNC));
  Message message(3);
  EXPECT_EQ(3, message.Receive(b));
  EXPECT_EQ(MSG_TRUNC, message.header.msg_flags);
}

TEST(Udp, PeeksAtTheLength) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  SendTo(a, "12345", b);
  EXPECT_EQ(5, recv(b.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC));
  int count = 0;
  EXPECT_OK(ioctl(b.get(), FIONREAD, &count));
  EXPECT_EQ(5, count);
  EXPECT_EQ("12345", Receive(b));
}

TEST(Udp, LargestMessage) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  const std::string largest(65507, 'x');
  EXPECT_EQ(65507, SendTo(a, largest, b));
  EXPECT_EQ(largest, Receive(b));
  EXPECT_ERRNO(SendTo(a, largest + "x", b), EMSGSIZE);
  EXPECT_ERRNO(SendTo(a, std::string(200000, 'x'), b), EMSGSIZE);
}

TEST(Udp, ConnectedSocketHearsOnlyItsPeer) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM), c = BoundSocket(AF_INET, SOCK_DGRAM);
  ASSERT_OK(ConnectTo(a, b));
  SendTo(c, "stranger", a);
  SendTo(b, "peer", a);
  EXPECT_EQ("peer", Receive(a));
  EXPECT_EQ(4, send(a.get(), "back", 4, 0));
  EXPECT_EQ("back", Receive(b));
  sockaddr none = {};
  none.sa_family = AF_UNSPEC;
  EXPECT_OK(connect(a.get(), &none, sizeof none));
  EXPECT_ERRNO(send(a.get(), "x", 1, 0), EDESTADDRREQ);
}

TEST(Udp, RefusalComesBackAsAnError) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM);
  Fd gone = BoundSocket(AF_INET, SOCK_DGRAM);
  ASSERT_OK(ConnectTo(a, gone));
  gone.Reset();
  EXPECT_EQ(1, send(a.get(), "x", 1, 0));
  EXPECT_EQ("error ECONNREFUSED", Receive(a));
}

TEST(Udp, ErrorQueue) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM);
  Fd gone = BoundSocket(AF_INET, SOCK_DGRAM);
  Message none;
  EXPECT_ERRNO(none.Receive(a, MSG_ERRQUEUE), EAGAIN);
  EXPECT_OK(SetIntOption(a, IPPROTO_IP, IP_RECVERR, 1));
  ASSERT_OK(ConnectTo(a, gone));
  const int port = LocalAddress(gone).port();
  gone.Reset();
  EXPECT_EQ(4, send(a.get(), "lost", 4, 0));
  pollfd entry = {a.get(), 0, 0};
  EXPECT_EQ(1, poll(&entry, 1, -1));
  EXPECT_EQ(POLLERR, entry.revents);
  Message message;
  EXPECT_EQ(4, message.Receive(a, MSG_ERRQUEUE));
  EXPECT_NE(0, message.header.msg_flags & MSG_ERRQUEUE);
  EXPECT_EQ("lost", message.data.substr(0, 4));
  EXPECT_EQ(port, message.from.port());
  const std::string value = message.Control(IPPROTO_IP, IP_RECVERR);
  ASSERT_GE(value.size(), sizeof(sock_extended_err));
  sock_extended_err error;
  memcpy(&error, value.data(), sizeof error);
  EXPECT_EQ(static_cast<unsigned>(ECONNREFUSED), error.ee_errno);
  EXPECT_EQ(SO_EE_ORIGIN_ICMP, error.ee_origin);
}

TEST(Udp, ReceivesControlMessages) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  EXPECT_OK(SetIntOption(b, IPPROTO_IP, IP_PKTINFO, 1));
  EXPECT_OK(SetIntOption(b, IPPROTO_IP, IP_RECVTTL, 1));
  EXPECT_OK(SetIntOption(b, IPPROTO_IP, IP_RECVTOS, 1));
  EXPECT_OK(SetIntOption(b, SOL_SOCKET, SO_TIMESTAMP, 1));
  EXPECT_OK(SetIntOption(a, IPPROTO_IP, IP_TTL, 42));
  EXPECT_OK(SetIntOption(a, IPPROTO_IP, IP_TOS, 0x10));
  SendTo(a, "x", b);
  Message message;
  EXPECT_EQ(1, message.Receive(b));
  EXPECT_EQ(0, message.header.msg_flags);
  in_pktinfo info;
  ASSERT_EQ(sizeof info, message.Control(IPPROTO_IP, IP_PKTINFO).size());
  memcpy(&info, message.Control(IPPROTO_IP, IP_PKTINFO).data(), sizeof info);
  EXPECT_EQ(htonl(INADDR_LOOPBACK), info.ipi_addr.s_addr);
  EXPECT_EQ(std::string("\x2a\0\0\0", 4), message.Control(IPPROTO_IP, IP_TTL));
  EXPECT_EQ("\x10", message.Control(IPPROTO_IP, IP_TOS));
  EXPECT_EQ(sizeof(timeval), message.Control(SOL_SOCKET, SO_TIMESTAMP).size());
}

TEST(Udp, TellsWhenControlMessagesDoNotFit) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  EXPECT_OK(SetIntOption(b, IPPROTO_IP, IP_PKTINFO, 1));
  EXPECT_OK(SetIntOption(b, IPPROTO_IP, IP_RECVTTL, 1));
  SendTo(a, "x", b);
  Message message(2048, CMSG_SPACE(sizeof(in_pktinfo)));
  EXPECT_EQ(1, message.Receive(b));
  EXPECT_EQ(MSG_CTRUNC, message.header.msg_flags);
  EXPECT_EQ(sizeof(in_pktinfo), message.Control(IPPROTO_IP, IP_PKTINFO).size());
}

long SendWithControl(const Fd& fd, const Fd& target, int level, int type, const void* value, size_t size) {
  InetAddress to = LocalAddress(target);
  alignas(cmsghdr) char control[128] = {};
  char byte = 'c';
  iovec vector = {&byte, 1};
  msghdr header = {};
  header.msg_name = to.get();
  header.msg_namelen = to.length;
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = CMSG_SPACE(size);
  cmsghdr* message = CMSG_FIRSTHDR(&header);
  *message = {CMSG_LEN(size), level, type};
  memcpy(CMSG_DATA(message), value, size);
  return sendmsg(fd.get(), &header, 0);
}

TEST(Udp, SendsWithControlMessages) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  EXPECT_OK(SetIntOption(b, IPPROTO_IP, IP_RECVTTL, 1));
  int ttl = 17;
  EXPECT_EQ(1, SendWithControl(a, b, IPPROTO_IP, IP_TTL, &ttl, sizeof ttl));
  Message message;
  EXPECT_EQ(1, message.Receive(b));
  EXPECT_EQ(std::string("\x11\0\0\0", 4), message.Control(IPPROTO_IP, IP_TTL));
  in_pktinfo from = {};
  from.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(1, SendWithControl(a, b, IPPROTO_IP, IP_PKTINFO, &from, sizeof from));
  EXPECT_ERRNO(SendWithControl(a, b, IPPROTO_IP, IP_TTL, &ttl, 2), EINVAL);
  EXPECT_ERRNO(SendWithControl(a, b, IPPROTO_IP, 99, &ttl, sizeof ttl), EINVAL);
}

TEST(Udp, SeveralMessagesInOneCall) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  ASSERT_OK(ConnectTo(a, b));
  char one[] = "one", two[] = "second";
  iovec vectors[] = {{one, 3}, {two, 6}};
  mmsghdr out[2] = {};
  for (int i = 0; i < 2; ++i) out[i].msg_hdr.msg_iov = &vectors[i], out[i].msg_hdr.msg_iovlen = 1;
  EXPECT_EQ(2, sendmmsg(a.get(), out, 2, 0));
  EXPECT_EQ(6u, out[1].msg_len);
  char buffers[3][16];
  iovec rooms[3];
  mmsghdr in[3] = {};
  for (int i = 0; i < 3; ++i) {
    rooms[i] = {buffers[i], 16};
    in[i].msg_hdr.msg_iov = &rooms[i];
    in[i].msg_hdr.msg_iovlen = 1;
  }
  EXPECT_EQ(2, recvmmsg(b.get(), in, 3, MSG_WAITFORONE, nullptr));
  EXPECT_EQ(3u, in[0].msg_len);
  EXPECT_EQ("second", std::string(buffers[1], in[1].msg_len));
}

TEST(Udp, ShutdownWakesAReader) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM), b = BoundSocket(AF_INET, SOCK_DGRAM);
  ASSERT_OK(ConnectTo(a, b));
  std::string got = "nothing";
  std::thread reader([&] { got = Receive(a); });
  EXPECT_OK(shutdown(a.get(), SHUT_RDWR));
  reader.join();
  EXPECT_EQ("", got);
  EXPECT_ERRNO(send(a.get(), "x", 1, MSG_NOSIGNAL), EPIPE);
}

TEST(Udp, WrongCalls) {
  Fd a = BoundSocket(AF_INET, SOCK_DGRAM);
  EXPECT_ERRNO(listen(a.get(), 1), EOPNOTSUPP);
  EXPECT_ERRNO(accept(a.get(), nullptr, nullptr), EOPNOTSUPP);
  EXPECT_ERRNO(send(a.get(), "x", 1, 0), EDESTADDRREQ);
  InetAddress to = Loopback(AF_INET, 9);
  EXPECT_ERRNO(sendto(a.get(), "x", 1, 0, to.get(), 4), EINVAL);
  EXPECT_ERRNO(sendto(a.get(), reinterpret_cast<char*>(8), 1, 0, to.get(), to.length), EFAULT);
}

TEST(Udp, MulticastOnLoopback) {
  Fd receiver = InetSocket(AF_INET, SOCK_DGRAM), sender = InetSocket(AF_INET, SOCK_DGRAM);
  InetAddress any = Loopback(AF_INET);
  reinterpret_cast<sockaddr_in*>(any.get())->sin_addr.s_addr = htonl(INADDR_ANY);
  ASSERT_OK(bind(receiver.get(), any.get(), any.length));
  ip_mreqn group = {{htonl(0xe0000a0b)}, {htonl(INADDR_LOOPBACK)}, 0};
  ASSERT_OK(setsockopt(receiver.get(), IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof group));
  ip_mreqn from = {{}, {htonl(INADDR_LOOPBACK)}, 0};
  ASSERT_OK(setsockopt(sender.get(), IPPROTO_IP, IP_MULTICAST_IF, &from, sizeof from));
  InetAddress to = Loopback(AF_INET, LocalAddress(receiver).port());
  reinterpret_cast<sockaddr_in*>(to.get())->sin_addr = group.imr_multiaddr;
  EXPECT_EQ(5, sendto(sender.get(), "group", 5, 0, to.get(), to.length));
  EXPECT_EQ("group", Receive(receiver));
  EXPECT_OK(setsockopt(receiver.get(), IPPROTO_IP, IP_DROP_MEMBERSHIP, &group, sizeof group));
}

TEST(Ping, EchoOnLoopback) {
  Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP));
  if (!fd.valid() && errno == EACCES) GTEST_SKIP() << "net.ipv4.ping_group_range forbids it";
  ASSERT_TRUE(fd.valid()) << ErrnoText(errno);
  icmphdr request = {};
  request.type = ICMP_ECHO;
  request.un.echo.sequence = htons(7);
  InetAddress to = Loopback(AF_INET);
  EXPECT_EQ(static_cast<ssize_t>(sizeof request), sendto(fd.get(), &request, sizeof request, 0, to.get(), to.length));
  icmphdr reply = {};
  EXPECT_EQ(static_cast<ssize_t>(sizeof reply), recv(fd.get(), &reply, sizeof reply, 0));
  EXPECT_EQ(ICMP_ECHOREPLY, reply.type);
  EXPECT_EQ(htons(7), reply.un.echo.sequence);
}

TEST(Ping, RawSocketSeesTheIpHeader) {
  REQUIRE_CAPABILITY(CAP_NET_RAW);
  Fd fd = InetSocket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  EXPECT_EQ(SOCK_RAW, IntOption(fd, SOL_SOCKET, SO_TYPE));
  EXPECT_EQ(IPPROTO_ICMP, IntOption(fd, SOL_SOCKET, SO_PROTOCOL));
  icmp_filter only_replies = {~(1u << ICMP_ECHOREPLY)};
  EXPECT_OK(setsockopt(fd.get(), SOL_RAW, ICMP_FILTER, &only_replies, sizeof only_replies));
  icmphdr request = {};
  request.type = ICMP_ECHO;
  request.un.echo = {htons(0x1234), htons(9)};
  request.checksum = static_cast<uint16_t>(~(ICMP_ECHO + htons(0x1234) + htons(9)));
  InetAddress to = Loopback(AF_INET);
  ASSERT_EQ(static_cast<ssize_t>(sizeof request), sendto(fd.get(), &request, sizeof request, 0, to.get(), to.length));
  struct {
    iphdr ip;
    icmphdr icmp;
  } reply = {};
  ASSERT_EQ(static_cast<ssize_t>(sizeof reply), recv(fd.get(), &reply, sizeof reply, 0));
  EXPECT_EQ(4u, reply.ip.version);
  EXPECT_EQ(5u, reply.ip.ihl);
  EXPECT_EQ(64, reply.ip.ttl);
  EXPECT_EQ(htonl(INADDR_LOOPBACK), reply.ip.saddr);
  EXPECT_EQ(htonl(INADDR_LOOPBACK), reply.ip.daddr);
  EXPECT_EQ(htons(sizeof reply), reply.ip.tot_len);
  EXPECT_EQ(ICMP_ECHOREPLY, reply.icmp.type);
  EXPECT_EQ(htons(0x1234), reply.icmp.un.echo.id);
  EXPECT_EQ(htons(9), reply.icmp.un.echo.sequence);
}

}  // namespace
}  // namespace guest
