// Addresses and sockets of the loopback interface.
#ifndef TEST_GUEST_SUPPORT_INET_H_
#define TEST_GUEST_SUPPORT_INET_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "test/guest/support/fd.h"

namespace guest {

struct InetAddress {
  sockaddr_storage storage = {};
  socklen_t length = sizeof(storage);

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  int port() const { return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port); }
};

inline InetAddress Loopback(int family, int port = 0) {
  InetAddress out;
  if (family == AF_INET) {
    auto* in = reinterpret_cast<sockaddr_in*>(&out.storage);
    *in = {static_cast<sa_family_t>(AF_INET), htons(static_cast<uint16_t>(port)), {htonl(INADDR_LOOPBACK)}, {}};
    out.length = sizeof(*in);
  } else {
    auto* in = reinterpret_cast<sockaddr_in6*>(&out.storage);
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(static_cast<uint16_t>(port));
    in->sin6_addr = in6addr_loopback;
    out.length = sizeof(*in);
  }
  return out;
}

inline Fd InetSocket(int family, int type, int protocol = 0) {
  Fd fd(socket(family, type | SOCK_CLOEXEC, protocol));
  EXPECT_TRUE(fd.valid()) << ErrnoText(errno);
  return fd;
}

inline InetAddress LocalAddress(const Fd& fd) {
  InetAddress out;
  EXPECT_OK(getsockname(fd.get(), out.get(), &out.length));
  return out;
}

inline InetAddress PeerAddress(const Fd& fd) {
  InetAddress out;
  EXPECT_OK(getpeername(fd.get(), out.get(), &out.length));
  return out;
}

inline Fd BoundSocket(int family, int type) {
  Fd fd = InetSocket(family, type);
  InetAddress any = Loopback(family);
  EXPECT_OK(bind(fd.get(), any.get(), any.length));
  return fd;
}

inline Fd InetListener(int family, int backlog = 8) {
  Fd fd = BoundSocket(family, SOCK_STREAM);
  EXPECT_OK(listen(fd.get(), backlog));
  return fd;
}

inline long ConnectTo(const Fd& fd, const Fd& target) {
  InetAddress to = LocalAddress(target);
  return connect(fd.get(), to.get(), to.length);
}

// Two ends of one TCP connection.
struct TcpPair {
  Fd client, server;
  explicit TcpPair(int family = AF_INET) {
    Fd listener = InetListener(family);
    client = InetSocket(family, SOCK_STREAM);
    EXPECT_OK(ConnectTo(client, listener));
    server.Reset(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    EXPECT_TRUE(server.valid()) << ErrnoText(errno);
  }
};

inline int IntOption(const Fd& fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof(value);
  EXPECT_OK(getsockopt(fd.get(), level, name, &value, &length));
  return value;
}

inline long SetIntOption(const Fd& fd, int level, int name, int value) {
  return setsockopt(fd.get(), level, name, &value, sizeof(value));
}

}  // namespace guest

#endif  // TEST_GUEST_SUPPORT_INET_H_
