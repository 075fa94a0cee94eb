// rtnetlink(7): questions and refusals.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>

#include <vector>

#include "test/guest/support/child.h"
#include "test/guest/support/inet.h"

namespace guest {
namespace {

Fd Netlink() {
  Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  EXPECT_TRUE(fd.valid()) << ErrnoText(errno);
  sockaddr_nl any = {};
  any.nl_family = AF_NETLINK;
  EXPECT_OK(bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any));
  return fd;
}

template <typename Body>
struct Request {
  nlmsghdr header = {};
  Body body = {};
  Request(int type, int flags) {
    header.nlmsg_len = sizeof(*this);
    header.nlmsg_type = static_cast<uint16_t>(type);
    header.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
    header.nlmsg_seq = 77;
  }
};

template <typename Body>
long Send(const Fd& fd, const Request<Body>& request) {
  sockaddr_nl kernel = {};
  kernel.nl_family = AF_NETLINK;
  return sendto(fd.get(), &request, sizeof request, 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel);
}

struct Reply {
  int type = 0;
  unsigned sequence = 0;
  unsigned port = 0;
  std::string body;
};

// The messages up to the end of a dump, an error, or a single reply.
std::vector<Reply> Receive(const Fd& fd) {
  std::vector<Reply> out;
  for (;;) {
    alignas(nlmsghdr) char buffer[32768];
    ssize_t n = recv(fd.get(), buffer, sizeof buffer, 0);
    EXPECT_GT(n, 0) << ErrnoText(errno);
    if (n <= 0) return out;
    auto length = static_cast<unsigned>(n);
    for (auto* h = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(h, length); h = NLMSG_NEXT(h, length)) {
      out.push_back({h->nlmsg_type, h->nlmsg_seq, h->nlmsg_pid,
                     std::string(static_cast<char*>(NLMSG_DATA(h)), h->nlmsg_len - NLMSG_HDRLEN)});
      if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR || (h->nlmsg_flags & NLM_F_MULTI) == 0)
        return out;
    }
  }
}

int ErrorOf(const Reply& reply) {
  int error = 1;
  if (reply.type == NLMSG_ERROR) memcpy(&error, reply.body.data(), sizeof error);
  return -error;
}

unsigned OwnPort(const Fd& fd) {
  sockaddr_nl own = {};
  socklen_t length = sizeof own;
  EXPECT_OK(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &length));
  EXPECT_EQ(sizeof own, length);
  return own.nl_pid;
}

TEST(NetlinkRoute, DumpsLinks) {
  Fd fd = Netlink();
  EXPECT_EQ(32, Send(fd, Request<ifinfomsg>(RTM_GETLINK, NLM_F_DUMP)));
  const auto replies = Receive(fd);
  ASSERT_GE(replies.size(), 2u);
  EXPECT_EQ(RTM_NEWLINK, replies[0].type);
  EXPECT_EQ(77u, replies[0].sequence);
  EXPECT_EQ(OwnPort(fd), replies[0].port);
  EXPECT_EQ(NLMSG_DONE, replies.back().type);
  ifinfomsg link;
  memcpy(&link, replies[0].body.data(), sizeof link);
  EXPECT_EQ(1, link.ifi_index);
  EXPECT_NE(0u, link.ifi_flags & IFF_LOOPBACK);
}

TEST(NetlinkRoute, DumpsWithTheFamilyAlone) {
  Fd fd = Netlink();
  Request<rtgenmsg> request(RTM_GETADDR, NLM_F_DUMP);
  request.body.rtgen_family = AF_INET;
  EXPECT_EQ(20, Send(fd, request));
  const auto replies = Receive(fd);
  ASSERT_GE(replies.size(), 2u);
  EXPECT_EQ(RTM_NEWADDR, replies[0].type);
  ifaddrmsg address;
  memcpy(&address, replies[0].body.data(), sizeof address);
  EXPECT_EQ(AF_INET, address.ifa_family);
}

TEST(NetlinkRoute, FindsOneLink) {
  Fd fd = Netlink();
  Request<ifinfomsg> request(RTM_GETLINK, 0);
  request.body.ifi_index = 1;
  Send(fd, request);
  const auto replies = Receive(fd);
  ASSERT_EQ(1u, replies.size());
  EXPECT_EQ(RTM_NEWLINK, replies[0].type);
  request.body.ifi_index = 999999;
  Send(fd, request);
  EXPECT_EQ(ENODEV, ErrorOf(Receive(fd).at(0)));
}

TEST(NetlinkRoute, FindsTheRouteToLoopback) {
  Fd fd = Netlink();
  struct Body {
    rtmsg route;
    rtattr attribute;
    in_addr address;
  };
  Request<Body> request(RTM_GETROUTE, 0);
  request.body.route.rtm_family = AF_INET;
  request.body.route.rtm_dst_len = 32;
  request.body.attribute = {sizeof(rtattr) + sizeof(in_addr), RTA_DST};
  request.body.address.s_addr = htonl(INADDR_LOOPBACK);
  Send(fd, request);
  const auto replies = Receive(fd);
  ASSERT_EQ(1u, replies.size());
  ASSERT_EQ(RTM_NEWROUTE, replies[0].type);
  rtmsg route;
  memcpy(&route, replies[0].body.data(), sizeof route);
  EXPECT_EQ(RTN_LOCAL, route.rtm_type);
}

TEST(NetlinkRoute, DumpsRoutes) {
  Fd fd = Netlink();
  Request<rtmsg> request(RTM_GETROUTE, NLM_F_DUMP);
  request.body.rtm_family = AF_INET;
  Send(fd, request);
  const auto replies = Receive(fd);
  ASSERT_GE(replies.size(), 1u);
  EXPECT_EQ(NLMSG_DONE, replies.back().type);
}

TEST(NetlinkRoute, RefusesChangesWithoutTheCapability) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    Fd fd = Netlink();
    Request<ifinfomsg> request(RTM_NEWLINK, NLM_F_ACK);
    request.body.ifi_index = 1;
    request.body.ifi_change = IFF_UP;
    EXPECT_OK(Send(fd, request));
    const auto replies = Receive(fd);
    EXPECT_EQ(EPERM, ErrorOf(replies.at(0)));
    EXPECT_EQ(77u, replies.at(0).sequence);
    EXPECT_EQ(sizeof(int) + sizeof request, replies.at(0).body.size());
  });
}

TEST(NetlinkRoute, AnswersUnknownQuestions) {
  Fd fd = Netlink();
  Send(fd, Request<ifinfomsg>(2000, NLM_F_ACK));
  EXPECT_EQ(EOPNOTSUPP, ErrorOf(Receive(fd).at(0)));
}

TEST(NetlinkRoute, AcknowledgesWhatIsNoQuestion) {
  Fd fd = Netlink();
  Send(fd, Request<ifinfomsg>(NLMSG_NOOP, NLM_F_ACK));
  EXPECT_EQ(0, ErrorOf(Receive(fd).at(0)));
}

TEST(NetlinkRoute, PeeksAtTheLength) {
  Fd fd = Netlink();
  Send(fd, Request<ifinfomsg>(2000, 0));
  const long length = recv(fd.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
  EXPECT_EQ(static_cast<long>(sizeof(nlmsghdr) + sizeof(int) + sizeof(Request<ifinfomsg>)), length);
  pollfd entry = {fd.get(), POLLIN, 0};
  EXPECT_EQ(1, poll(&entry, 1, -1));
  char small[8];
  EXPECT_EQ(8, recv(fd.get(), small, sizeof small, 0));
  EXPECT_ERRNO(recv(fd.get(), small, sizeof small, MSG_DONTWAIT), EAGAIN);
}

TEST(NetlinkRoute, Kinds) {
  EXPECT_ERRNO(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
  EXPECT_ERRNO(socket(AF_NETLINK, SOCK_RAW, 400), EPROTONOSUPPORT);
  Fd fd = Netlink();
  EXPECT_ERRNO(listen(fd.get(), 1), EOPNOTSUPP);
  char byte = 0;
  EXPECT_ERRNO(send(fd.get(), &byte, 0, 0), ENODATA);
}

}  // namespace
}  // namespace guest
