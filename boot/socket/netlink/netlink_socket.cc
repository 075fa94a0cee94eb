#include "boot/socket/netlink/netlink_socket.h"

#include <linux/netlink.h>

#include <cstring>

#include "boot/kernel/current_task.h"
#include "boot/socket/netlink/route_request.h"

namespace runsc {
namespace {

constexpr std::size_t kLongestRequest = 32 * 1024;
constexpr std::size_t kLongestAnswer = 1024 * 1024;
// A program that does not read what it is told gets no more (ENOBUFS, as with a full receive buffer).
constexpr std::size_t kMostAnswers = 64;

Result<sockaddr_nl> netlink_address(const SocketAddress& address) {
  sockaddr_nl value{};
  if (address.length < sizeof value || address.family() != AF_NETLINK) return Errno(EINVAL);
  std::memcpy(&value, address.bytes.data(), sizeof value);
  return value;
}

// Messages to other programs need a capability in the host's namespace; messages to the kernel have no group.
Result<void> expect_kernel(const SocketAddress& address) {
  const sockaddr_nl value = TRY(netlink_address(address));
  if (value.nl_pid != 0 || value.nl_groups != 0) return Errno(EPERM);
  return {};
}

}  // namespace

NetlinkSocket::NetlinkSocket(HostPoller& poller, UniqueFd host, const NewSocket& parameters)
    : HostSocket(poller, std::move(host), AF_NETLINK, parameters) {}

Result<void> NetlinkSocket::bind(CurrentTask&, const SocketAddress& address) {
  sockaddr_nl wanted = TRY(netlink_address(address));
  wanted.nl_pad = 0;
  TRY(host_result([&] { return ::bind(host(), reinterpret_cast<sockaddr*>(&wanted), sizeof wanted); }));
  return {};
}

Result<void> NetlinkSocket::connect(CurrentTask&, const SocketAddress& address) {
  if (address.family() != AF_UNSPEC) TRY(expect_kernel(address));
  sockaddr_nl wanted{};
  wanted.nl_family = static_cast<sa_family_t>(address.family());
  TRY(host_result([&] { return ::connect(host(), reinterpret_cast<sockaddr*>(&wanted), sizeof wanted); }));
  return {};
}

Result<void> NetlinkSocket::set_option(CurrentTask& task, int level, int name, std::span<const std::byte> value) {
  TRY(HostSocket::set_option(task, level, name, value));
  if (level == SOL_NETLINK && name == NETLINK_CAP_ACK) short_errors_ = TRY(option_int(value)) != 0;
  return {};
}

Result<std::size_t> NetlinkSocket::send(SendRequest& request) {
  if ((request.flags & MSG_OOB) != 0) return Errno(EOPNOTSUPP);
  if (request.to != nullptr && request.to->length != 0) TRY(expect_kernel(*request.to));
  const std::size_t length = request.source.remaining();
  if (length == 0) return Errno(ENODATA);
  if (length > kLongestRequest) return Errno(EMSGSIZE);
  TransferBuffer buffer(length);
  if (TRY(request.source.take(buffer.span())) < length) return Errno(EFAULT);
  NetlinkMessages messages(buffer.span());
  for (auto message = messages.next(); !message.empty(); message = messages.next()) TRY(handle(message));
  return length;
}

Result<void> NetlinkSocket::handle(std::span<const std::byte> message) {
  nlmsghdr header;
  std::memcpy(&header, message.data(), sizeof header);
  auto checked = checked_route_request(message);
  if (!checked.ok()) return answer(message, checked.error().value());
  if (checked->empty()) return (header.nlmsg_flags & NLM_F_ACK) != 0 ? answer(message, 0) : Result<void>();
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  iovec vector{checked->data(), checked->size()};
  msghdr request{};
  request.msg_name = &kernel;
  request.msg_namelen = sizeof kernel;
  request.msg_iov = &vector;
  request.msg_iovlen = 1;
  TRY(host_send(request, 0));
  return {};
}

Result<void> NetlinkSocket::answer(std::span<const std::byte> message, int error) {
  sockaddr_nl own{};
  const SocketAddress address = TRY(local_address());
  std::memcpy(&own, address.bytes.data(), std::min<std::size_t>(sizeof own, address.length));
  {
    auto answers = answers_.lock();
    if (answers->size() == kMostAnswers) return Errno(ENOBUFS);
    answers->push_back(netlink_answer(message, error, own.nl_pid, short_errors_));
  }
  wait_queue()->notify(POLLIN | POLLRDNORM);
  return {};
}

Received NetlinkSocket::take_answer(const ReceiveRequest& request, Answer& answer) {
  Received received;
  received.full_length = answer.size();
  if (request.sink.remaining() < answer.size()) received.flags |= MSG_TRUNC;
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  received.from = SocketAddress::of(std::as_bytes(std::span(&kernel, 1)));
  return received;
}

Result<Received> NetlinkSocket::receive(const ReceiveRequest& request) {
  if ((request.flags & MSG_OOB) != 0) return Errno(EOPNOTSUPP);
  Answer answer;
  {
    auto answers = answers_.lock();
    if (!answers->empty()) answer = answers->front();
    if (!answers->empty() && (request.flags & MSG_PEEK) == 0) answers->pop_front();
  }
  Received received = answer.empty() ? TRY(receive_piece(request, std::min(request.sink.remaining(), kLongestAnswer)))
                                     : take_answer(request, answer);
  if (!answer.empty() && request.sink.remaining() != 0) received.bytes = TRY(request.sink.put(answer));
  // The sender is the kernel.
  if (options().pass_credentials()) received.credentials = Sender{nullptr, Uid{0}, Gid{0}};
  return received;
}

EventMask NetlinkSocket::readiness(EventMask interest) {
  const bool answered = !answers_.lock()->empty();
  const EventMask own = answered ? POLLIN | POLLRDNORM : 0;
  return own | HostSocket::readiness(interest);
}

SocketFamily netlink_family(HostPoller& poller) {
  SocketFamily family;
  family.make = [&poller](CurrentTask&, const NewSocket& wanted) -> Result<SocketPtr> {
    if (wanted.type != SOCK_RAW && wanted.type != SOCK_DGRAM) return Errno(ESOCKTNOSUPPORT);
    if (wanted.protocol != NETLINK_ROUTE) return Errno(EPROTONOSUPPORT);
    UniqueFd host = TRY(make_host_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
    const NewSocket parameters = with_host_inode(host, wanted);
    return SocketPtr(std::make_shared<NetlinkSocket>(poller, std::move(host), parameters));
  };
  return family;
}

}  // namespace runsc
