#include "boot/socket/inet/raw_icmp_socket.h"

#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip.h>

#include <cstring>

#include "boot/kernel/current_task.h"
#include "boot/socket/inet/inet_socket.h"

namespace runsc {
namespace {

constexpr std::size_t kLongest = 65535;
constexpr int kRawLevel = 255;  // SOL_RAW

// Both families' echo messages begin alike.
struct EchoHeader {
  std::uint8_t type, code;
  std::uint16_t checksum, identifier, sequence;
};
static_assert(sizeof(EchoHeader) == sizeof(icmphdr) && sizeof(EchoHeader) == sizeof(icmp6_hdr));

std::uint16_t internet_checksum(std::span<const std::byte> data) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < data.size(); i += 2) {
    std::uint16_t word = 0;
    std::memcpy(&word, data.data() + i, std::min<std::size_t>(2, data.size() - i));
    sum += word;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// The value of a control message of the host's; none: zeros.
template <typename T>
T find_control(std::span<const std::byte> control, int level, int type) {
  T value{};
  while (control.size() >= sizeof(cmsghdr)) {
    cmsghdr header;
    std::memcpy(&header, control.data(), sizeof header);
    if (header.cmsg_len < sizeof header || header.cmsg_len > control.size()) break;
    if (header.cmsg_level == level && header.cmsg_type == type && header.cmsg_len >= CMSG_LEN(sizeof value))
      std::memcpy(&value, control.data() + sizeof header, sizeof value);
    control = control.subspan(std::min(CMSG_ALIGN(header.cmsg_len), control.size()));
  }
  return value;
}

iphdr make_ip_header(const Received& received, std::size_t payload) {
  sockaddr_in from{};
  std::memcpy(&from, received.from.bytes.data(), std::min<std::size_t>(sizeof from, received.from.length));
  iphdr header{};
  header.version = 4;
  header.ihl = sizeof header / 4;
  header.tot_len = htons(static_cast<std::uint16_t>(sizeof header + payload));
  header.ttl = static_cast<std::uint8_t>(find_control<int>(received.control, IPPROTO_IP, IP_TTL));
  header.protocol = IPPROTO_ICMP;
  header.saddr = from.sin_addr.s_addr;
  header.daddr = find_control<in_pktinfo>(received.control, IPPROTO_IP, IP_PKTINFO).ipi_addr.s_addr;
  header.check = internet_checksum(std::as_bytes(std::span(&header, 1)));
  return header;
}

// Ports mean nothing to raw sockets, but identifiers to the host's.
SocketAddress without_port(SocketAddress address) {
  std::memset(address.bytes.data() + offsetof(sockaddr_in, sin_port), 0, sizeof(in_port_t));
  return address;
}

const sockaddr* raw_address(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(address.bytes.data());
}

}  // namespace

RawIcmpSocket::RawIcmpSocket(HostPoller& poller, UniqueFd host, int domain, const NewSocket& parameters)
    : HostSocket(poller, std::move(host), domain, parameters) {}

Result<void> RawIcmpSocket::prepare() {
  if (!is_v4()) return {};
  const int on = 1;
  const auto value = std::as_bytes(std::span(&on, 1));
  TRY(host_set(IPPROTO_IP, IP_RECVTTL, value));
  return host_set(IPPROTO_IP, IP_PKTINFO, value);
}

Result<void> RawIcmpSocket::bind(CurrentTask&, const SocketAddress& address) {
  const SocketAddress wanted = without_port(TRY(checked_inet_address(address)));
  TRY(host_result([&] { return ::bind(host(), raw_address(wanted), wanted.length); }));
  return {};
}

Result<void> RawIcmpSocket::connect(CurrentTask&, const SocketAddress& address) {
  const SocketAddress wanted = without_port(TRY(checked_inet_address(address)));
  TRY(host_result([&] { return ::connect(host(), raw_address(wanted), wanted.length); }));
  return {};
}

Result<std::size_t> RawIcmpSocket::send(SendRequest& request) {
  const std::size_t length = request.source.remaining();
  if (length > kLongest) return Errno(EMSGSIZE);
  if (length < sizeof(EchoHeader)) return Errno(EINVAL);
  SocketAddress to;
  msghdr header{};
  if (request.to != nullptr && request.to->length != 0) {
    to = without_port(TRY(checked_inet_address(*request.to)));
    header.msg_name = to.bytes.data();
    header.msg_namelen = to.length;
  }
  TransferBuffer buffer(length);
  if (TRY(request.source.peek(buffer.span())) < length) return Errno(EFAULT);
  EchoHeader echo;
  std::memcpy(&echo, buffer.span().data(), sizeof echo);
  if (echo.type != (is_v4() ? ICMP_ECHO : ICMP6_ECHO_REQUEST)) return Errno(EPERM);
  identifier_.store(echo.identifier, std::memory_order_relaxed);
  iovec vector{buffer.span().data(), length};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  const std::size_t sent = TRY(host_send(header, request.flags & (MSG_DONTROUTE | MSG_CONFIRM)));
  request.source.skip(length);
  return sent;
}

std::vector<std::byte> RawIcmpSocket::make_packet(std::span<const std::byte> reply, const Received& received) const {
  std::vector<std::byte> message(reply.begin(), reply.end());
  EchoHeader echo{};
  std::memcpy(&echo, message.data(), std::min(sizeof echo, message.size()));
  echo.identifier = identifier_.load(std::memory_order_relaxed);
  echo.checksum = 0;
  std::memcpy(message.data(), &echo, std::min(sizeof echo, message.size()));
  if (!is_v4()) return message;  // raw(7) of IPv6 gives no header, and the host has checked the sum
  echo.checksum = internet_checksum(message);
  std::memcpy(message.data(), &echo, std::min(sizeof echo, message.size()));
  const iphdr header = make_ip_header(received, message.size());
  const auto bytes = std::as_bytes(std::span(&header, 1));
  message.insert(message.begin(), bytes.begin(), bytes.end());
  return message;
}

Result<Received> RawIcmpSocket::receive(const ReceiveRequest& request) {
  if ((request.flags & (MSG_ERRQUEUE | MSG_OOB)) != 0) return Errno(EAGAIN);
  TransferBuffer buffer(kLongest);
  for (;;) {
    BufferSink sink(buffer.span());
    Received received = TRY(receive_piece({sink, request.flags & MSG_PEEK}, kLongest));
    const auto reply = std::span<const std::byte>(buffer.span()).first(received.bytes);
    const unsigned type = reply.empty() ? 0 : std::to_integer<unsigned>(reply[0]);
    const bool hidden = is_v4() && type < 32 && ((filter_.load(std::memory_order_relaxed) >> type) & 1) != 0;
    if (hidden && (request.flags & MSG_PEEK) == 0) continue;
    if (hidden) return Errno(EAGAIN);
    const auto packet = make_packet(reply, received);
    received.control.clear();
    received.full_length = packet.size();
    received.flags = request.sink.remaining() < packet.size() ? MSG_TRUNC : 0;
    received.bytes = request.sink.remaining() == 0 ? 0 : TRY(request.sink.put(packet));
    return received;
  }
}

bool RawIcmpSocket::is_filter(int level, int name) const {
  return is_v4() && level == kRawLevel && name == ICMP_FILTER;
}

Result<void> RawIcmpSocket::set_option(CurrentTask& task, int level, int name, std::span<const std::byte> value) {
  if (!is_filter(level, name)) return HostSocket::set_option(task, level, name, value);
  std::uint32_t filter = 0;
  if (value.size() < sizeof filter) return Errno(EINVAL);
  std::memcpy(&filter, value.data(), sizeof filter);
  filter_.store(filter, std::memory_order_relaxed);
  return {};
}

Result<std::vector<std::byte>> RawIcmpSocket::get_option(CurrentTask& task, int level, int name) {
  if (is_filter(level, name)) return option_bytes(filter_.load(std::memory_order_relaxed));
  return HostSocket::get_option(task, level, name);
}

}  // namespace runsc
