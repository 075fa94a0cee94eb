#include "boot/socket/netlink/route_request.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>

#include <cstring>

namespace runsc {
namespace {

using Bytes = std::vector<std::byte>;

template <typename T>
void append(Bytes& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

Bytes message(int type, int flags, const Bytes& body) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + body.size());
  header.nlmsg_type = static_cast<std::uint16_t>(type);
  header.nlmsg_flags = static_cast<std::uint16_t>(flags);
  header.nlmsg_seq = 7;
  Bytes out;
  append(out, header);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

Bytes with_attribute(Bytes body, unsigned short type, unsigned short length, std::size_t present) {
  append(body, rtattr{length, type});
  body.resize(body.size() + present);
  return body;
}

Bytes link_body() {
  Bytes body;
  append(body, ifinfomsg{});
  return body;
}

TEST(RouteRequest, TakesADumpWithTheFamilyAlone) {
  const auto checked = checked_route_request(message(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, Bytes(4)));
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->size(), sizeof(nlmsghdr) + sizeof(ifaddrmsg));
  nlmsghdr header;
  std::memcpy(&header, checked->data(), sizeof header);
  EXPECT_EQ(header.nlmsg_len, checked->size());
  EXPECT_EQ(header.nlmsg_seq, 7u);
}

TEST(RouteRequest, RefusesChanges) {
  for (const int type : {RTM_NEWLINK, RTM_DELLINK, RTM_SETLINK, RTM_NEWADDR, RTM_DELROUTE, RTM_NEWNEIGH}) {
    EXPECT_EQ(checked_route_request(message(type, NLM_F_REQUEST, link_body())).error(), Errno(EPERM)) << type;
  }
}

TEST(RouteRequest, RefusesUnknownQuestionsAndAttributes) {
  EXPECT_EQ(checked_route_request(message(RTM_GETQDISC, NLM_F_REQUEST, link_body())).error(), Errno(EOPNOTSUPP));
  EXPECT_EQ(checked_route_request(message(2000, NLM_F_REQUEST, link_body())).error(), Errno(EOPNOTSUPP));
  const auto other = with_attribute(link_body(), IFLA_NET_NS_PID, 8, 4);
  EXPECT_EQ(checked_route_request(message(RTM_GETLINK, NLM_F_REQUEST, other)).error(), Errno(EOPNOTSUPP));
}

TEST(RouteRequest, RefusesMalformedAttributes) {
  for (const unsigned short length : {0, 3, 9, 60000}) {
    const auto body = with_attribute(link_body(), IFLA_EXT_MASK, length, 4);
    EXPECT_EQ(checked_route_request(message(RTM_GETLINK, NLM_F_REQUEST, body)).error(), Errno(EINVAL)) << length;
  }
  EXPECT_EQ(checked_route_request(message(RTM_GETLINK, NLM_F_REQUEST, {})).error(), Errno(EINVAL));
}

TEST(RouteRequest, KeepsKnownAttributes) {
  const auto body = with_attribute(link_body(), IFLA_EXT_MASK, 8, 4);
  const auto checked = checked_route_request(message(RTM_GETLINK, NLM_F_REQUEST, body));
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->size(), sizeof(nlmsghdr) + body.size());
}

TEST(RouteRequest, AsksNothingForWhatIsNoRequest) {
  const auto checked = checked_route_request(message(RTM_GETLINK, 0, link_body()));
  ASSERT_TRUE(checked.ok());
  EXPECT_TRUE(checked->empty());
}

TEST(NetlinkMessages, EndWhereTheRestIsNoMessage) {
  Bytes two = message(RTM_GETLINK, 0, link_body());
  const Bytes second = message(RTM_GETADDR, 0, Bytes(4));
  two.insert(two.end(), second.begin(), second.end());
  two.resize(two.size() - 1);
  NetlinkMessages messages(two);
  EXPECT_EQ(messages.next().size(), sizeof(nlmsghdr) + sizeof(ifinfomsg));
  EXPECT_TRUE(messages.next().empty());
  EXPECT_TRUE(NetlinkMessages(std::span(two).first(5)).next().empty());
}

TEST(NetlinkAnswer, EchoesTheRequest) {
  const Bytes request = message(RTM_NEWLINK, NLM_F_REQUEST, link_body());
  const Bytes whole = netlink_answer(request, EPERM, 42, false);
  EXPECT_EQ(whole.size(), sizeof(nlmsghdr) + sizeof(int) + request.size());
  int error = 0;
  std::memcpy(&error, whole.data() + sizeof(nlmsghdr), sizeof error);
  EXPECT_EQ(error, -EPERM);
  EXPECT_EQ(netlink_answer(request, EPERM, 42, true).size(), sizeof(nlmsghdr) * 2 + sizeof(int));
}

}  // namespace
}  // namespace runsc
