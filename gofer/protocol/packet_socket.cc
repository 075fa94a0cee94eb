#include "gofer/protocol/packet_socket.h"

#include <sys/socket.h>

#include <cstring>

#include "gofer/protocol/limits.h"

namespace runsc::gofer {
namespace {

// Exactly one descriptor: CMSG_SPACE would, by its padding, leave room for two. The kernel closes what does not fit.
constexpr std::size_t kControlBytes = CMSG_LEN(sizeof(int));

union ControlBuffer {
  cmsghdr header;
  std::byte bytes[CMSG_SPACE(sizeof(int))];
};

template <typename Call>
Result<std::size_t> retry(Call&& call) {
  while (true) {
    const ssize_t count = call();
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EINTR) return last_errno();
  }
}

// The descriptor of a received control buffer.
UniqueFd take_descriptor(msghdr& message) {
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return {};
  if (header->cmsg_len != kControlBytes) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  return UniqueFd(fd);
}

}  // namespace

Result<void> PacketSocket::send(std::span<const std::byte> packet, int descriptor) {
  iovec vector{const_cast<std::byte*>(packet.data()), packet.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  if (descriptor >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = kControlBytes;
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    control.header.cmsg_len = kControlBytes;
    std::memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(descriptor));
  }
  TRY(retry([&] { return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL); }));
  return {};
}

Result<std::size_t> PacketSocket::receive(std::span<std::byte> buffer) {
  iovec vector{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  const std::size_t count = TRY(retry([&] { return ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC); }));
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Errno(EPROTO);
  return count;
}

Result<std::size_t> PacketSocket::receive(std::span<std::byte> buffer, UniqueFd& descriptor) {
  iovec vector{buffer.data(), buffer.size()};
  ControlBuffer control{};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = kControlBytes;
  const std::size_t count = TRY(retry([&] { return ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC); }));
  UniqueFd received = take_descriptor(message);
  if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return Errno(EPROTO);
  descriptor = std::move(received);
  return count;
}

void PacketSocket::shut_down() { ::shutdown(socket_.get(), SHUT_RDWR); }

Result<SocketPair> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) return last_errno();
  SocketPair pair{UniqueFd(ends[0]), UniqueFd(ends[1])};
  const int bytes = static_cast<int>(2 * kMaxMessageBytes);
  for (const int end : ends)
    if (::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes)) < 0) return last_errno();
  return pair;
}

}  // namespace runsc::gofer
