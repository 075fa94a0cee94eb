#include "boot/socket/netlink/route_request.h"

#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace runsc {
namespace {

constexpr std::size_t kLongestAttribute = 128;  // an interface's alternative name
constexpr std::size_t kMostAttributes = 16;

struct Question {
  int type;
  std::size_t fixed;                         // length of the part behind the header
  std::array<std::uint16_t, 12> attributes;  // 0: unused
};
constexpr std::array kQuestions = {
    Question{RTM_GETLINK, sizeof(ifinfomsg), {IFLA_IFNAME, IFLA_ALT_IFNAME, IFLA_EXT_MASK, IFLA_MASTER}},
    Question{RTM_GETADDR, sizeof(ifaddrmsg), {IFA_ADDRESS, IFA_LOCAL}},
    Question{RTM_GETROUTE,
             sizeof(rtmsg),
             {RTA_DST, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_TABLE, RTA_MARK, RTA_UID, RTA_IP_PROTO, RTA_SPORT,
              RTA_DPORT}},
    Question{RTM_GETNEIGH, sizeof(ndmsg), {NDA_DST, NDA_IFINDEX, NDA_MASTER}},
    Question{RTM_GETRULE, sizeof(fib_rule_hdr), {}},
    Question{RTM_GETNETCONF, sizeof(netconfmsg), {NETCONFA_IFINDEX}},
};

nlmsghdr header_of(std::span<const std::byte> message) {
  nlmsghdr header;
  std::memcpy(&header, message.data(), sizeof header);
  return header;
}

template <typename T>
void append(std::vector<std::byte>& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}

Result<void> append_attribute(std::vector<std::byte>& to, const rtattr& header, std::span<const std::byte> value,
                              const Question& question) {
  const auto& known = question.attributes;
  if (std::find(known.begin(), known.end(), header.rta_type) == known.end() || header.rta_type == 0)
    return Errno(EOPNOTSUPP);
  if (value.size() > kLongestAttribute) return Errno(EINVAL);
  append(to, header);
  to.insert(to.end(), value.begin(), value.end());
  to.resize(NLMSG_ALIGN(to.size()));
  return {};
}

Result<void> append_attributes(std::vector<std::byte>& to, std::span<const std::byte> from, const Question& question) {
  for (std::size_t count = 0; from.size() >= sizeof(rtattr); ++count) {
    rtattr header;
    std::memcpy(&header, from.data(), sizeof header);
    if (header.rta_len < sizeof header || header.rta_len > from.size() || count == kMostAttributes)
      return Errno(EINVAL);
    TRY(append_attribute(to, header, from.subspan(sizeof header, header.rta_len - sizeof header), question));
    from = from.subspan(std::min<std::size_t>(RTA_ALIGN(header.rta_len), from.size()));
  }
  return {};
}

// Three types of each four change something: RTM_NEW.., RTM_DEL.., RTM_GET.., RTM_SET...
bool is_change(int type) { return type >= RTM_BASE && type <= RTM_MAX && (type & 3) != (RTM_GETLINK & 3); }

}  // namespace

std::span<const std::byte> NetlinkMessages::next() {
  if (rest_.size() < sizeof(nlmsghdr)) return {};
  const std::size_t length = header_of(rest_).nlmsg_len;
  if (length < sizeof(nlmsghdr) || length > rest_.size()) return {};
  const auto message = rest_.first(length);
  rest_ = rest_.subspan(std::min<std::size_t>(NLMSG_ALIGN(length), rest_.size()));
  return message;
}

Result<std::vector<std::byte>> checked_route_request(std::span<const std::byte> message) {
  nlmsghdr header = header_of(message);
  std::vector<std::byte> out;
  if ((header.nlmsg_flags & NLM_F_REQUEST) == 0 || header.nlmsg_type < NLMSG_MIN_TYPE) return out;
  if (is_change(header.nlmsg_type)) return Errno(EPERM);
  const auto question = std::find_if(kQuestions.begin(), kQuestions.end(),
                                     [&](const Question& each) { return each.type == header.nlmsg_type; });
  if (question == kQuestions.end()) return Errno(EOPNOTSUPP);
  const auto body = message.subspan(sizeof header);
  if (body.empty()) return Errno(EINVAL);  // not even the address family

  header.nlmsg_flags &= NLM_F_REQUEST | NLM_F_ACK | NLM_F_DUMP;
  append(out, header);
  // Old programs send the address family alone.
  out.insert(out.end(), body.begin(), body.begin() + static_cast<long>(std::min(body.size(), question->fixed)));
  out.resize(NLMSG_ALIGN(sizeof header + question->fixed));
  const std::size_t attributes_at = std::min<std::size_t>(NLMSG_ALIGN(question->fixed), body.size());
  TRY(append_attributes(out, body.subspan(attributes_at), *question));
  const auto length = static_cast<std::uint32_t>(out.size());
  std::memcpy(out.data() + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
  return out;
}

std::vector<std::byte> netlink_answer(std::span<const std::byte> message, int error, std::uint32_t port,
                                      bool header_only) {
  const nlmsghdr about = header_of(message);
  const bool short_form = header_only || error == 0;
  const auto echoed = short_form ? message.first(sizeof about) : message;
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + sizeof(int) + echoed.size());
  header.nlmsg_type = NLMSG_ERROR;
  header.nlmsg_flags = short_form && header_only ? NLM_F_CAPPED : 0;
  header.nlmsg_seq = about.nlmsg_seq;
  header.nlmsg_pid = port;
  std::vector<std::byte> out;
  append(out, header);
  append(out, -error);
  out.insert(out.end(), echoed.begin(), echoed.end());
  return out;
}

}  // namespace runsc
