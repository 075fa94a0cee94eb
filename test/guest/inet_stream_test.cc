// TCP over the loopback interface: connections, data, shutdown, readiness, signals, transfers.
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>

#include <atomic>
#include <thread>
#include <vector>

#include "test/guest/support/child.h"
#include "test/guest/support/inet.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

class Tcp : public testing::TestWithParam<int> {
 protected:
  int family() const { return GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(Inet, Tcp, testing::Values(AF_INET, AF_INET6),
                         [](const auto& info) { return info.param == AF_INET ? "V4" : "V6"; });

std::string Receive(const Fd& fd, size_t size = 65536, int flags = 0) {
  std::string out(size, 0);
  ssize_t n = recv(fd.get(), out.data(), size, flags);
  if (n < 0) return "error " + ErrnoText(errno);
  out.resize(static_cast<size_t>(n));
  return out;
}

void SendAll(const Fd& fd, const std::string& data) {
  EXPECT_EQ(static_cast<ssize_t>(data.size()), send(fd.get(), data.data(), data.size(), MSG_NOSIGNAL));
}

std::string Pattern(size_t size) {
  std::string out(size, 0);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<char>(i * 31 + i / 251);
  return out;
}

short Ready(const Fd& fd, short events, int timeout = 0) {
  pollfd entry{fd.get(), events, 0};
  EXPECT_OK(poll(&entry, 1, timeout));
  return entry.revents;
}

bool IsV6Missing(int family) {
  if (family != AF_INET6) return false;
  Fd fd(socket(AF_INET6, SOCK_STREAM, 0));
  InetAddress any = Loopback(AF_INET6);
  return !fd.valid() || bind(fd.get(), any.get(), any.length) != 0;
}
#define REQUIRE_FAMILY() \
  if (IsV6Missing(family())) GTEST_SKIP() << "no IPv6 here"

TEST_P(Tcp, ConnectsAndExchangesData) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  SendAll(pair.client, "question");
  EXPECT_EQ("question", Receive(pair.server));
  SendAll(pair.server, "answer");
  EXPECT_EQ("answer", Receive(pair.client));
}

TEST_P(Tcp, NamesOfBothEndsAgree) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  EXPECT_EQ(LocalAddress(pair.client).port(), PeerAddress(pair.server).port());
  EXPECT_EQ(PeerAddress(pair.client).port(), LocalAddress(pair.server).port());
  EXPECT_EQ(family(), LocalAddress(pair.server).storage.ss_family);
}

TEST_P(Tcp, AcceptTellsThePeer) {
  REQUIRE_FAMILY();
  Fd listener = InetListener(family());
  Fd client = InetSocket(family(), SOCK_STREAM);
  ASSERT_OK(ConnectTo(client, listener));
  InetAddress peer;
  Fd server(accept4(listener.get(), peer.get(), &peer.length, SOCK_NONBLOCK | SOCK_CLOEXEC));
  ASSERT_TRUE(server.valid());
  EXPECT_EQ(LocalAddress(client).port(), peer.port());
  EXPECT_NE(0, fcntl(server.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(FD_CLOEXEC, fcntl(server.get(), F_GETFD));
  EXPECT_EQ("error EAGAIN", Receive(server));
}

TEST_P(Tcp, ConnectToNobodyIsRefused) {
  REQUIRE_FAMILY();
  Fd bound = BoundSocket(family(), SOCK_STREAM);  // not listening
  Fd client = InetSocket(family(), SOCK_STREAM);
  EXPECT_ERRNO(ConnectTo(client, bound), ECONNREFUSED);
}

TEST_P(Tcp, NonBlockingConnectEndsWithPollout) {
  REQUIRE_FAMILY();
  Fd listener = InetListener(family());
  Fd client = InetSocket(family(), SOCK_STREAM | SOCK_NONBLOCK);
  long begun = ConnectTo(client, listener);
  EXPECT_TRUE(begun == 0 || errno == EINPROGRESS) << ErrnoText(errno);
  EXPECT_NE(0, Ready(client, POLLOUT, -1) & POLLOUT);
  EXPECT_EQ(0, IntOption(client, SOL_SOCKET, SO_ERROR));
  EXPECT_OK(ConnectTo(client, listener));
  EXPECT_ERRNO(ConnectTo(client, listener), EISCONN);
}

TEST_P(Tcp, NonBlockingConnectReportsItsErrorOnce) {
  REQUIRE_FAMILY();
  Fd bound = BoundSocket(family(), SOCK_STREAM);
  Fd client = InetSocket(family(), SOCK_STREAM | SOCK_NONBLOCK);
  EXPECT_ERRNO(ConnectTo(client, bound), EINPROGRESS);
  EXPECT_NE(0, Ready(client, POLLOUT, -1) & POLLERR);
  EXPECT_EQ(ECONNREFUSED, IntOption(client, SOL_SOCKET, SO_ERROR));
  EXPECT_EQ(0, IntOption(client, SOL_SOCKET, SO_ERROR));
}

TEST_P(Tcp, ReadsTheEndAfterShutdown) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  SendAll(pair.client, "last");
  ASSERT_OK(shutdown(pair.client.get(), SHUT_WR));
  EXPECT_EQ("last", Receive(pair.server));
  EXPECT_EQ("", Receive(pair.server));
  EXPECT_NE(0, Ready(pair.server, POLLIN | POLLRDHUP) & POLLRDHUP);
  SendAll(pair.server, "still");
  EXPECT_EQ("still", Receive(pair.client));
}

TEST_P(Tcp, BlockedReadEndsWhenDataComes) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  std::string got;
  std::thread reader([&] { got = Receive(pair.server); });
  SendAll(pair.client, "x");
  reader.join();
  EXPECT_EQ("x", got);
}

TEST_P(Tcp, BlockedAcceptEndsWhenAClientComes) {
  REQUIRE_FAMILY();
  Fd listener = InetListener(family());
  Fd accepted;
  std::thread server([&] { accepted.Reset(accept(listener.get(), nullptr, nullptr)); });
  Fd client = InetSocket(family(), SOCK_STREAM);
  EXPECT_OK(ConnectTo(client, listener));
  server.join();
  EXPECT_TRUE(accepted.valid());
}

TEST_P(Tcp, BlockedWriterGoesOnUntilAllIsSent) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  const std::string data = Pattern(8 << 20);
  std::thread writer([&] {
    SendAll(pair.client, data);
    pair.client.Reset();
  });
  std::string got = ReadAll(pair.server.get());
  writer.join();
  EXPECT_EQ(data.size(), got.size());
  EXPECT_TRUE(data == got);
}

TEST_P(Tcp, NonBlockingWriterStopsWhenThereIsNoRoom) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  ASSERT_OK(fcntl(pair.client.get(), F_SETFL, O_NONBLOCK));
  const std::string data = Pattern(1 << 20);
  size_t sent = 0;
  ssize_t n;
  while ((n = send(pair.client.get(), data.data() + sent % 4096, 65536, MSG_NOSIGNAL)) > 0)
    sent += static_cast<size_t>(n);
  EXPECT_ERRNO(n, EAGAIN);
  EXPECT_EQ(0, Ready(pair.client, POLLOUT) & POLLOUT);
  size_t got = 0;
  while (got < sent) got += Receive(pair.server).size();
  EXPECT_EQ(sent, got);
  EXPECT_NE(0, Ready(pair.client, POLLOUT, -1) & POLLOUT);
}

TEST_P(Tcp, WaitallWaitsForAll) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  std::string got;
  std::thread reader([&] { got = Receive(pair.server, 6, MSG_WAITALL); });
  SendAll(pair.client, "abc");
  SendAll(pair.client, "def");
  reader.join();
  EXPECT_EQ("abcdef", got);
}

TEST_P(Tcp, PeekLeavesAndTruncThrowsAway) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  SendAll(pair.client, "abcdef");
  EXPECT_EQ("abc", Receive(pair.server, 3, MSG_PEEK));
  EXPECT_EQ("ab", Receive(pair.server, 2));
  EXPECT_EQ(2, recv(pair.server.get(), nullptr, 2, MSG_TRUNC));
  EXPECT_EQ("ef", Receive(pair.server));
}

TEST_P(Tcp, CountsUnreadBytes) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  SendAll(pair.client, "12345");
  EXPECT_NE(0, Ready(pair.server, POLLIN, -1) & POLLIN);
  int count = -1;
  EXPECT_OK(ioctl(pair.server.get(), FIONREAD, &count));
  EXPECT_EQ(5, count);
  EXPECT_OK(ioctl(pair.client.get(), SIOCOUTQ, &count));
  EXPECT_LE(count, 5);
}

TEST_P(Tcp, VectorsAndMessages) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  char one[] = "abc", two[] = "defg";
  iovec out[] = {{one, 3}, {nullptr, 0}, {two, 4}};
  EXPECT_EQ(7, writev(pair.client.get(), out, 3));
  char first[2], second[5];
  iovec in[] = {{first, 2}, {second, 5}};
  msghdr header = {};
  InetAddress from;
  header.msg_name = from.get();
  header.msg_namelen = from.length;
  header.msg_iov = in;
  header.msg_iovlen = 2;
  EXPECT_EQ(7, recvmsg(pair.server.get(), &header, MSG_WAITALL));
  EXPECT_EQ("abcdefg", std::string(first, 2) + std::string(second, 5));
  EXPECT_EQ(0u, header.msg_namelen);
  EXPECT_EQ(0, header.msg_flags);
}

TEST_P(Tcp, UrgentByte) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  SendAll(pair.client, "ab");
  EXPECT_EQ(1, send(pair.client.get(), "!", 1, MSG_OOB));
  EXPECT_NE(0, Ready(pair.server, POLLPRI, -1) & POLLPRI);
  EXPECT_EQ("!", Receive(pair.server, 1, MSG_OOB));
  EXPECT_EQ("ab", Receive(pair.server));
  EXPECT_EQ("error EINVAL", Receive(pair.server, 1, MSG_OOB));
}

TEST_P(Tcp, PollWaitsForData) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  EXPECT_EQ(POLLOUT, Ready(pair.server, POLLIN | POLLOUT));
  std::thread writer([&] { SendAll(pair.client, "x"); });
  EXPECT_EQ(POLLIN, Ready(pair.server, POLLIN, -1));
  writer.join();
}

TEST_P(Tcp, EpollLevelAndEdge) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  Fd level(epoll_create1(EPOLL_CLOEXEC)), edge(epoll_create1(EPOLL_CLOEXEC));
  epoll_event event = {EPOLLIN, {.u64 = 1}};
  ASSERT_OK(epoll_ctl(level.get(), EPOLL_CTL_ADD, pair.server.get(), &event));
  event.events = EPOLLIN | EPOLLET;
  ASSERT_OK(epoll_ctl(edge.get(), EPOLL_CTL_ADD, pair.server.get(), &event));
  SendAll(pair.client, "a");
  EXPECT_EQ(1, epoll_wait(level.get(), &event, 1, -1));
  EXPECT_EQ(1, epoll_wait(level.get(), &event, 1, 0));
  EXPECT_EQ(1, epoll_wait(edge.get(), &event, 1, -1));
  EXPECT_EQ(0, epoll_wait(edge.get(), &event, 1, 0));
  SendAll(pair.client, "b");
  EXPECT_EQ(1, epoll_wait(edge.get(), &event, 1, -1));
  EXPECT_EQ("ab", Receive(pair.server));
  EXPECT_EQ(0, epoll_wait(level.get(), &event, 1, 0));
}

TEST_P(Tcp, EpollServesManyConnections) {
  REQUIRE_FAMILY();
  constexpr int kConnections = 60;
  Fd listener = InetListener(family(), kConnections);
  Fd set(epoll_create1(EPOLL_CLOEXEC));
  std::vector<Fd> clients(kConnections), servers;
  for (Fd& client : clients) {
    client = InetSocket(family(), SOCK_STREAM);
    ASSERT_OK(ConnectTo(client, listener));
    servers.emplace_back(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    epoll_event event = {EPOLLIN | EPOLLET, {.u32 = static_cast<uint32_t>(servers.size() - 1)}};
    ASSERT_OK(epoll_ctl(set.get(), EPOLL_CTL_ADD, servers.back().get(), &event));
  }
  std::thread writer([&] {
    for (int round = 0; round < 5; ++round)
      for (Fd& client : clients) SendAll(client, "x");
  });
  int got = 0;
  while (got < kConnections * 5) {
    epoll_event events[16];
    int n = epoll_wait(set.get(), events, 16, -1);
    ASSERT_OK(n);
    for (int i = 0; i < n; ++i) got += static_cast<int>(Receive(servers[events[i].data.u32], 64, MSG_DONTWAIT).size());
  }
  writer.join();
  EXPECT_EQ(kConnections * 5, got);
}

TEST_P(Tcp, SendfileFromAFile) {
  REQUIRE_FAMILY();
  ScopedTempDir dir;
  const std::string data = Pattern(3 << 20);
  WriteFile(dir / "file", data);
  Fd file(open((dir / "file").c_str(), O_RDONLY | O_CLOEXEC));
  TcpPair pair(family());
  std::thread writer([&] {
    size_t sent = 0;
    while (sent < data.size()) {
      ssize_t n = sendfile(pair.client.get(), file.get(), nullptr, data.size() - sent);
      ASSERT_GT(n, 0);
      sent += static_cast<size_t>(n);
    }
    pair.client.Reset();
  });
  EXPECT_TRUE(data == ReadAll(pair.server.get()));
  writer.join();
}

TEST_P(Tcp, SplicesThroughAPipe) {
  REQUIRE_FAMILY();
  TcpPair in(family()), out(family());
  Pipe pipe(O_CLOEXEC);
  SendAll(in.client, "through");
  EXPECT_NE(0, Ready(in.server, POLLIN, -1));
  EXPECT_EQ(7, splice(in.server.get(), nullptr, pipe.write.get(), nullptr, 100, 0));
  EXPECT_EQ(7, splice(pipe.read.get(), nullptr, out.client.get(), nullptr, 100, 0));
  EXPECT_EQ("through", Receive(out.server));
}

TEST_P(Tcp, BadAddresses) {
  REQUIRE_FAMILY();
  Fd fd = InetSocket(family(), SOCK_STREAM);
  InetAddress any = Loopback(family());
  EXPECT_ERRNO(bind(fd.get(), any.get(), 3), EINVAL);
  EXPECT_ERRNO(connect(fd.get(), any.get(), 1), EINVAL);
  any.storage.ss_family = AF_UNIX;
  EXPECT_ERRNO(bind(fd.get(), any.get(), any.length), EAFNOSUPPORT);
  EXPECT_ERRNO(connect(fd.get(), any.get(), any.length), EAFNOSUPPORT);
}

TEST_P(Tcp, StatesAndTheirErrors) {
  REQUIRE_FAMILY();
  Fd fd = InetSocket(family(), SOCK_STREAM);
  char byte = 'x';
  InetAddress peer;
  EXPECT_ERRNO(getpeername(fd.get(), peer.get(), &peer.length), ENOTCONN);
  EXPECT_ERRNO(accept(fd.get(), nullptr, nullptr), EINVAL);
  EXPECT_ERRNO(recv(fd.get(), &byte, 1, 0), ENOTCONN);
  EXPECT_ERRNO(send(fd.get(), &byte, 1, MSG_NOSIGNAL), EPIPE);
  EXPECT_ERRNO(shutdown(fd.get(), SHUT_WR), ENOTCONN);
  EXPECT_ERRNO(lseek(fd.get(), 0, SEEK_CUR), ESPIPE);
  EXPECT_EQ(POLLOUT | POLLHUP, Ready(fd, POLLIN | POLLOUT));
  Fd used = BoundSocket(family(), SOCK_STREAM);
  InetAddress name = LocalAddress(used);
  EXPECT_ERRNO(bind(fd.get(), name.get(), name.length), EADDRINUSE);
  EXPECT_ERRNO(bind(used.get(), name.get(), name.length), EINVAL);
}

TEST_P(Tcp, CloseWithUnreadDataResets) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  SendAll(pair.client, "unread");
  EXPECT_NE(0, Ready(pair.server, POLLIN, -1));
  pair.server.Reset();
  EXPECT_NE(0, Ready(pair.client, POLLIN, -1) & (POLLERR | POLLHUP));
  EXPECT_EQ("error ECONNRESET", Receive(pair.client));
}

TEST_P(Tcp, LingerOfZeroResets) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  linger value = {1, 0};
  EXPECT_OK(setsockopt(pair.client.get(), SOL_SOCKET, SO_LINGER, &value, sizeof value));
  pair.client.Reset();
  EXPECT_NE(0, Ready(pair.server, POLLIN, -1) & POLLERR);
  EXPECT_EQ("error ECONNRESET", Receive(pair.server));
}

void Nothing(int) {}

TEST_P(Tcp, SignalInterruptsRead) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  ScopedHandler handler(SIGUSR1, Nothing);
  Pester pester(SIGUSR1);
  EXPECT_EQ("error EINTR", Receive(pair.server));
}

TEST_P(Tcp, RestartsReadAfterASignal) {
  REQUIRE_FAMILY();
  static std::atomic<int> handled;
  handled = 0;
  TcpPair pair(family());
  ScopedHandler handler(
      SIGUSR1, +[](int) { ++handled; }, SA_RESTART);
  std::thread writer([&] {
    while (handled < 3) usleep(1000);
    SendAll(pair.client, "late");
  });
  {
    Pester pester(SIGUSR1);
    EXPECT_EQ("late", Receive(pair.server));
  }
  writer.join();
}

TEST_P(Tcp, TimedOutReadAndAcceptAreEagain) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  timeval time = {0, 20000};
  EXPECT_OK(setsockopt(pair.server.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  EXPECT_EQ("error EAGAIN", Receive(pair.server));
  Fd listener = InetListener(family());
  EXPECT_OK(setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  EXPECT_ERRNO(accept(listener.get(), nullptr, nullptr), EAGAIN);
}

TEST_P(Tcp, AcceptedSocketInheritsTimeouts) {
  REQUIRE_FAMILY();
  Fd listener = InetListener(family());
  timeval time = {7, 0};
  EXPECT_OK(setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  Fd client = InetSocket(family(), SOCK_STREAM);
  EXPECT_OK(ConnectTo(client, listener));
  Fd server(accept(listener.get(), nullptr, nullptr));
  socklen_t length = sizeof time;
  time = {};
  EXPECT_OK(getsockopt(server.get(), SOL_SOCKET, SO_RCVTIMEO, &time, &length));
  EXPECT_EQ(7, time.tv_sec);
}

TEST_P(Tcp, WriteToAClosedConnectionRaisesSigpipe) {
  REQUIRE_FAMILY();
  static std::atomic<int> raised;
  raised = 0;
  TcpPair pair(family());
  ScopedHandler handler(
      SIGPIPE, +[](int) { ++raised; });
  EXPECT_OK(shutdown(pair.client.get(), SHUT_WR));
  EXPECT_ERRNO(send(pair.client.get(), "x", 1, MSG_NOSIGNAL), EPIPE);
  EXPECT_EQ(0, raised);
  EXPECT_ERRNO(send(pair.client.get(), "x", 1, 0), EPIPE);
  EXPECT_EQ(1, raised);
  EXPECT_ERRNO(write(pair.client.get(), "x", 1), EPIPE);
  EXPECT_EQ(2, raised);
}

TEST_P(Tcp, BadBuffers) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  char* bad = reinterpret_cast<char*>(8);
  EXPECT_ERRNO(send(pair.client.get(), bad, 10, MSG_NOSIGNAL), EFAULT);
  SendAll(pair.client, "data");
  EXPECT_NE(0, Ready(pair.server, POLLIN, -1));
  EXPECT_ERRNO(recv(pair.server.get(), bad, 10, 0), EFAULT);
}

TEST_P(Tcp, SharedByForkAndDup) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  Fd copy(dup(pair.server.get()));
  InChild([&] { SendAll(pair.client, "from the child"); });
  pair.server.Reset();
  EXPECT_EQ("from the child", Receive(copy));
}

TEST_P(Tcp, PassedOverAUnixSocket) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  int ends[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
  Fd a(ends[0]), b(ends[1]);
  char byte = 'x', control[CMSG_SPACE(sizeof(int))] = {};
  iovec vector = {&byte, 1};
  msghdr header = {};
  header.msg_iov = &vector;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  cmsghdr* message = CMSG_FIRSTHDR(&header);
  *message = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
  int number = pair.server.get();
  memcpy(CMSG_DATA(message), &number, sizeof number);
  ASSERT_EQ(1, sendmsg(a.get(), &header, 0));
  pair.server.Reset();
  ASSERT_EQ(1, recvmsg(b.get(), &header, MSG_CMSG_CLOEXEC));
  memcpy(&number, CMSG_DATA(CMSG_FIRSTHDR(&header)), sizeof number);
  Fd received(number);
  SendAll(pair.client, "far");
  EXPECT_EQ("far", Receive(received));
}

TEST_P(Tcp, FileStatus) {
  REQUIRE_FAMILY();
  TcpPair pair(family());
  struct stat client = {}, server = {};
  EXPECT_OK(fstat(pair.client.get(), &client));
  EXPECT_OK(fstat(pair.server.get(), &server));
  EXPECT_TRUE(S_ISSOCK(client.st_mode));
  EXPECT_NE(client.st_ino, server.st_ino);
  char name[64] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(pair.client.get());
  EXPECT_OK(readlink(link.c_str(), name, sizeof(name) - 1));
  EXPECT_EQ("socket:[" + std::to_string(client.st_ino) + "]", name);
}

TEST_P(Tcp, ListedInProcNet) {
  REQUIRE_FAMILY();
  Fd listener = InetListener(family());
  struct stat status = {};
  EXPECT_OK(fstat(listener.get(), &status));
  Fd table(open(family() == AF_INET ? "/proc/net/tcp" : "/proc/net/tcp6", O_RDONLY | O_CLOEXEC));
  const std::string text = ReadAll(table.get());
  EXPECT_NE(std::string::npos, text.find(" " + std::to_string(status.st_ino) + " ")) << text;
}

TEST_P(Tcp, ConnectWaitsWithASignal) {
  REQUIRE_FAMILY();
  // Nobody accepts: the backlog fills up, and the next connection waits.
  Fd listener = InetListener(family(), 0);
  std::vector<Fd> clients;
  long status = 0;
  while (status == 0 || errno == EINPROGRESS) {
    clients.push_back(InetSocket(family(), SOCK_STREAM | SOCK_NONBLOCK));
    status = ConnectTo(clients.back(), listener);
    if (status == 0) continue;
    if (Ready(clients.back(), POLLOUT, 200) == 0) break;
  }
  Fd waiting = InetSocket(family(), SOCK_STREAM);
  ScopedHandler handler(SIGUSR1, Nothing);
  Pester pester(SIGUSR1);
  EXPECT_ERRNO(ConnectTo(waiting, listener), EINTR);
}

TEST(InetSocket, UnknownKinds) {
  EXPECT_ERRNO(socket(AF_INET, SOCK_SEQPACKET, 0), ESOCKTNOSUPPORT);
  EXPECT_ERRNO(socket(AF_INET, 15, 0), EINVAL);
  EXPECT_ERRNO(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP), EPROTONOSUPPORT);
  EXPECT_ERRNO(socket(AF_INET, SOCK_STREAM, 100000), EINVAL);
  EXPECT_ERRNO(socket(AF_INET, SOCK_RAW, 0), EPROTONOSUPPORT);
  int ends[2];
  EXPECT_ERRNO(socketpair(AF_INET, SOCK_STREAM, 0, ends), EOPNOTSUPP);
}

TEST(InetSocket, ReservedPortsNeedACapability) {
  REQUIRE_ROOT();
  InetAddress reserved = Loopback(AF_INET, 777);
  Fd fd = InetSocket(AF_INET, SOCK_STREAM);
  EXPECT_OK(bind(fd.get(), reserved.get(), reserved.length));
  Fd start(open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY | O_CLOEXEC));
  if (ReadAll(start.get()) != "1024\n") GTEST_SKIP() << "ports are not reserved here";
  fd.Reset();
  InChildAs(kUser, kGroup, [&] {
    Fd own = InetSocket(AF_INET, SOCK_STREAM);
    EXPECT_ERRNO(bind(own.get(), reserved.get(), reserved.length), EACCES);
  });
}

}  // namespace
}  // namespace guest
