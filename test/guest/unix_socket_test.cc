// AF_UNIX: names, connections, data of stream, datagram and sequenced packet sockets, options.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

struct Address {
  sockaddr_un address = {};
  socklen_t length = sizeof(sa_family_t);

  Address() { address.sun_family = AF_UNIX; }
  // A path, or an abstract name when it starts with a zero byte.
  explicit Address(const std::string& name) : Address() {
    memcpy(address.sun_path, name.data(), std::min(name.size(), sizeof(address.sun_path)));
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (name[0] != 0 ? 1 : 0));
  }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&address); }
};

Fd Socket(int type) {
  Fd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(fd.valid()) << ErrnoText(errno);
  return fd;
}

long Bind(const Fd& fd, Address a) { return bind(fd.get(), a.get(), a.length); }
long Connect(const Fd& fd, Address a) { return connect(fd.get(), a.get(), a.length); }

struct Pair {
  Fd a, b;
  explicit Pair(int type = SOCK_STREAM) {
    int fds[2];
    EXPECT_OK(socketpair(AF_UNIX, type, 0, fds));
    a.Reset(fds[0]);
    b.Reset(fds[1]);
  }
};

std::string Receive(const Fd& fd, int flags = MSG_DONTWAIT, size_t size = 65536) {
  std::string out(size, 0);
  ssize_t n = recv(fd.get(), out.data(), size, flags);
  if (n < 0) return "error " + ErrnoText(errno);
  out.resize(std::min(static_cast<size_t>(n), size));
  return out;
}

void Send(const Fd& fd, const std::string& data, int flags = 0) {
  EXPECT_EQ(static_cast<ssize_t>(data.size()), send(fd.get(), data.data(), data.size(), flags | MSG_NOSIGNAL));
}

// A name in the abstract space that no other test uses.
std::string Abstract(const std::string& name) {
  return std::string(1, '\0') + "guest-" + std::to_string(getpid()) + "-" + name;
}

class Unix : public testing::Test {
 protected:
  std::string P(const std::string& name) { return dir_ / name; }
  Fd Listener(const std::string& name, int type = SOCK_STREAM, int backlog = 5) {
    Fd fd = Socket(type);
    EXPECT_OK(Bind(fd, Address(name)));
    EXPECT_OK(listen(fd.get(), backlog));
    return fd;
  }
  ScopedTempDir dir_;
};

TEST_F(Unix, SocketChecksItsArguments) {
  EXPECT_ERRNO(socket(AF_UNIX, 99, 0), EINVAL);
  EXPECT_ERRNO(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
  EXPECT_ERRNO(socket(AF_UNIX, SOCK_STREAM, 99), EPROTONOSUPPORT);
  EXPECT_ERRNO(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
  int fds[2];
  EXPECT_ERRNO(socketpair(AF_UNIX, 99, 0, fds), EINVAL);
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(fcntl(fd.get(), F_GETFL) & O_NONBLOCK);
  EXPECT_EQ(FD_CLOEXEC, fcntl(fd.get(), F_GETFD));
}

TEST_F(Unix, StreamConnectAcceptExchange) {
  Fd server = Listener(P("s")), client = Socket(SOCK_STREAM);
  ASSERT_OK(Connect(client, Address(P("s"))));
  Fd peer(accept(server.get(), nullptr, nullptr));
  ASSERT_TRUE(peer.valid());
  Send(client, "hello");
  EXPECT_EQ("hello", Receive(peer));
  Send(peer, "back");
  EXPECT_EQ("back", Receive(client));
  peer.Reset();
  EXPECT_EQ("", Receive(client));
}

TEST_F(Unix, BindMakesASocketFile) {
  Fd fd = Socket(SOCK_STREAM);
  ASSERT_OK(Bind(fd, Address(P("s"))));
  struct stat s;
  ASSERT_OK(lstat(P("s").c_str(), &s));
  EXPECT_TRUE(S_ISSOCK(s.st_mode));
  EXPECT_EQ(0755u, s.st_mode & 0777) << "by the umask";
  EXPECT_ERRNO(Bind(Socket(SOCK_STREAM), Address(P("s"))), EADDRINUSE);
  EXPECT_ERRNO(Bind(fd, Address(P("t"))), EINVAL) << "already bound";
  EXPECT_ERRNO(Bind(Socket(SOCK_STREAM), Address(P("missing/s"))), ENOENT);
}

TEST_F(Unix, AddressesAreChecked) {
  Fd fd = Socket(SOCK_STREAM);
  Address a(P("s"));
  a.address.sun_family = AF_INET;
  EXPECT_ERRNO(Bind(fd, a), EINVAL);
  Address tooLong(P("s"));
  tooLong.length = 200;
  EXPECT_ERRNO(Bind(fd, tooLong), EINVAL);
  Address tooShort;
  tooShort.length = 1;
  EXPECT_ERRNO(Bind(fd, tooShort), EINVAL);
}

TEST_F(Unix, PathOf108BytesNeedsNoTerminator) {
  std::string name = P("");
  name += std::string(108 - name.size(), 'n');
  Address a(name);
  a.length = sizeof(a.address);
  Fd fd = Socket(SOCK_STREAM);
  ASSERT_OK(Bind(fd, a));
  EXPECT_OK(access(name.c_str(), F_OK));
}

TEST_F(Unix, ConnectErrors) {
  EXPECT_ERRNO(Connect(Socket(SOCK_STREAM), Address(P("missing"))), ENOENT);
  WriteFile(P("file"), "");
  EXPECT_ERRNO(Connect(Socket(SOCK_STREAM), Address(P("file"))), ECONNREFUSED);
  Fd bound = Socket(SOCK_STREAM);
  ASSERT_OK(Bind(bound, Address(P("s"))));
  EXPECT_ERRNO(Connect(Socket(SOCK_STREAM), Address(P("s"))), ECONNREFUSED) << "bound but not listening";
  Fd server = Listener(P("l"));
  EXPECT_ERRNO(Connect(Socket(SOCK_DGRAM), Address(P("l"))), EPROTOTYPE);
  Fd client = Socket(SOCK_STREAM);
  EXPECT_OK(Connect(client, Address(P("l"))));
  EXPECT_ERRNO(Connect(client, Address(P("l"))), EISCONN);
}

TEST_F(Unix, ConnectNeedsWritePermissionOnTheSocketFile) {
  REQUIRE_ROOT();
  Fd server = Listener(P("s"));
  ASSERT_OK(chmod(P("s").c_str(), 0755));
  InChildAs(kUser, kGroup, [&] { EXPECT_ERRNO(Connect(Socket(SOCK_STREAM), Address(P("s"))), EACCES); });
  ASSERT_OK(chmod(P("s").c_str(), 0777));
  InChildAs(kUser, kGroup, [&] { EXPECT_OK(Connect(Socket(SOCK_STREAM), Address(P("s")))); });
}

TEST_F(Unix, ClosedListenerRefuses) {
  Listener(P("s")).Reset();
  EXPECT_ERRNO(Connect(Socket(SOCK_STREAM), Address(P("s"))), ECONNREFUSED);
}

TEST_F(Unix, AbstractNames) {
  Fd server = Listener(Abstract("a")), client = Socket(SOCK_STREAM);
  EXPECT_ERRNO(Bind(Socket(SOCK_STREAM), Address(Abstract("a"))), EADDRINUSE);
  ASSERT_OK(Connect(client, Address(Abstract("a"))));
  EXPECT_ERRNO(Connect(Socket(SOCK_STREAM), Address(Abstract("a") + std::string(1, '\0'))), ECONNREFUSED)
      << "every byte counts";
  server.Reset();
  EXPECT_OK(Bind(Socket(SOCK_STREAM), Address(Abstract("a")))) << "the name dies with its socket";
}

TEST_F(Unix, AutobindChoosesAnAbstractName) {
  Fd fd = Socket(SOCK_DGRAM);
  ASSERT_OK(Bind(fd, Address()));
  Address got;
  got.length = sizeof(got.address);
  ASSERT_OK(getsockname(fd.get(), got.get(), &got.length));
  EXPECT_EQ(sizeof(sa_family_t) + 6, got.length);
  EXPECT_EQ(0, got.address.sun_path[0]);
}

TEST_F(Unix, NamesOfBothEnds) {
  Fd server = Listener(P("s")), client = Socket(SOCK_STREAM);
  Address got;
  got.length = sizeof(got.address);
  EXPECT_ERRNO(getpeername(client.get(), got.get(), &got.length), ENOTCONN);
  ASSERT_OK(Connect(client, Address(P("s"))));
  got.length = sizeof(got.address);
  ASSERT_OK(getpeername(client.get(), got.get(), &got.length));
  EXPECT_EQ(P("s"), got.address.sun_path);
  EXPECT_EQ(offsetof(sockaddr_un, sun_path) + P("s").size() + 1, got.length);
  got.length = sizeof(got.address);
  Address from;
  from.length = sizeof(from.address);
  Fd peer(accept(server.get(), from.get(), &from.length));
  EXPECT_EQ(sizeof(sa_family_t), from.length) << "an unnamed client";
  ASSERT_OK(getsockname(peer.get(), got.get(), &got.length));
  EXPECT_EQ(P("s"), got.address.sun_path);
}

TEST_F(Unix, GetsocknameTruncates) {
  Fd server = Listener(P("s"));
  char small[4] = {};
  socklen_t length = sizeof(small);
  ASSERT_OK(getsockname(server.get(), reinterpret_cast<sockaddr*>(small), &length));
  EXPECT_EQ(offsetof(sockaddr_un, sun_path) + P("s").size() + 1, length);
  length = static_cast<socklen_t>(-1);
  EXPECT_ERRNO(getsockname(server.get(), reinterpret_cast<sockaddr*>(small), &length), EINVAL);
}

TEST_F(Unix, AcceptErrors) {
  EXPECT_ERRNO(accept(Socket(SOCK_STREAM).get(), nullptr, nullptr), EINVAL) << "not listening";
  EXPECT_ERRNO(accept(Socket(SOCK_DGRAM).get(), nullptr, nullptr), EOPNOTSUPP);
  EXPECT_ERRNO(accept(-1, nullptr, nullptr), EBADF);
  Pipe pipe;
  EXPECT_ERRNO(accept(pipe.read.get(), nullptr, nullptr), ENOTSOCK);
  Fd server = Listener(P("s"));
  ASSERT_OK(fcntl(server.get(), F_SETFL, O_NONBLOCK));
  EXPECT_ERRNO(accept(server.get(), nullptr, nullptr), EAGAIN);
  EXPECT_ERRNO(accept4(server.get(), nullptr, nullptr, 0x1), EINVAL);
}

TEST_F(Unix, Accept4Flags) {
  Fd server = Listener(P("s")), client = Socket(SOCK_STREAM);
  ASSERT_OK(fcntl(server.get(), F_SETFL, O_NONBLOCK));
  ASSERT_OK(Connect(client, Address(P("s"))));
  Fd peer(accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
  EXPECT_FALSE(fcntl(peer.get(), F_GETFL) & O_NONBLOCK) << "not inherited from the listener";
  EXPECT_EQ(FD_CLOEXEC, fcntl(peer.get(), F_GETFD));
}

TEST_F(Unix, BacklogBoundsPendingConnections) {
  Fd server = Listener(P("s"), SOCK_STREAM, 1);
  std::vector<Fd> clients;
  long result = 0;
  for (int i = 0; i < 10 && result == 0; ++i) {
    clients.emplace_back(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    result = Connect(clients.back(), Address(P("s")));
  }
  EXPECT_ERRNO(result, EAGAIN);
  EXPECT_EQ(3u, clients.size()) << "one more than the backlog may wait";
}

TEST_F(Unix, ConnectWaitsForRoomInTheBacklog) {
  Fd server = Listener(P("s"), SOCK_STREAM, 0);
  Fd first = Socket(SOCK_STREAM);
  ASSERT_OK(Connect(first, Address(P("s"))));
  Child child([&] { EXPECT_OK(Connect(Socket(SOCK_STREAM), Address(P("s")))); });
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(Fd(accept(server.get(), nullptr, nullptr)).valid());
  child.ExpectSuccess();
}

TEST_F(Unix, ListenErrors) {
  EXPECT_ERRNO(listen(Socket(SOCK_STREAM).get(), 1), EINVAL) << "unbound";
  EXPECT_ERRNO(listen(Socket(SOCK_DGRAM).get(), 1), EOPNOTSUPP);
  Pair pair;
  EXPECT_ERRNO(listen(pair.a.get(), 1), EINVAL);
}

TEST_F(Unix, DatagramsKeepBoundariesAndSenders) {
  Fd server = Socket(SOCK_DGRAM), client = Socket(SOCK_DGRAM);
  ASSERT_OK(Bind(server, Address(P("s"))));
  ASSERT_OK(Bind(client, Address(P("c"))));
  Address to(P("s")), from;
  EXPECT_EQ(3, sendto(client.get(), "abc", 3, 0, to.get(), to.length));
  EXPECT_EQ(0, sendto(client.get(), "", 0, 0, to.get(), to.length));
  char buffer[16] = {};
  from.length = sizeof(from.address);
  EXPECT_EQ(2, recvfrom(server.get(), buffer, 2, 0, from.get(), &from.length)) << "the rest is lost";
  EXPECT_EQ(P("c"), from.address.sun_path);
  EXPECT_EQ(0, recv(server.get(), buffer, 16, 0)) << "an empty datagram";
  EXPECT_ERRNO(recv(server.get(), buffer, 16, MSG_DONTWAIT), EAGAIN);
}

TEST_F(Unix, DatagramTruncationIsTold) {
  Pair pair(SOCK_DGRAM);
  Send(pair.a, "abcdef");
  char buffer[3];
  EXPECT_EQ(6, recv(pair.b.get(), buffer, 3, MSG_TRUNC));
  Send(pair.a, "abcdef");
  iovec v = {buffer, 3};
  msghdr m = {};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  EXPECT_EQ(3, recvmsg(pair.b.get(), &m, 0));
  EXPECT_EQ(MSG_TRUNC, m.msg_flags);
}

TEST_F(Unix, DatagramConnectFiltersAndDissolves) {
  Fd server = Socket(SOCK_DGRAM), client = Socket(SOCK_DGRAM);
  ASSERT_OK(Bind(server, Address(P("s"))));
  EXPECT_ERRNO(send(client.get(), "x", 1, 0), ENOTCONN);
  ASSERT_OK(Connect(client, Address(P("s"))));
  Send(client, "x");
  EXPECT_EQ("x", Receive(server));
  sockaddr none = {AF_UNSPEC, {}};
  ASSERT_OK(connect(client.get(), &none, sizeof(none)));
  EXPECT_ERRNO(send(client.get(), "x", 1, 0), ENOTCONN);
  ASSERT_OK(Connect(client, Address(P("s"))));
  server.Reset();
  EXPECT_ERRNO(send(client.get(), "x", 1, 0), ECONNREFUSED);
}

TEST_F(Unix, DatagramTooLargeIsEmsgsize) {
  Pair pair(SOCK_DGRAM);
  std::string big(4 << 20, 'x');
  EXPECT_ERRNO(send(pair.a.get(), big.data(), big.size(), 0), EMSGSIZE);
}

TEST_F(Unix, SeqpacketKeepsBoundariesAndConnects) {
  Fd server = Listener(P("s"), SOCK_SEQPACKET), client = Socket(SOCK_SEQPACKET);
  ASSERT_OK(Connect(client, Address(P("s"))));
  Fd peer(accept(server.get(), nullptr, nullptr));
  Send(client, "abc");
  Send(client, "def");
  EXPECT_EQ("abc", Receive(peer));
  EXPECT_EQ("def", Receive(peer));
  client.Reset();
  EXPECT_EQ("", Receive(peer));
  char c;
  EXPECT_ERRNO(send(peer.get(), &c, 1, MSG_NOSIGNAL), EPIPE);
}

TEST_F(Unix, StreamHasNoBoundaries) {
  Pair pair;
  Send(pair.a, "abc");
  Send(pair.a, "def");
  EXPECT_EQ("abcd", Receive(pair.b, MSG_DONTWAIT, 4));
  EXPECT_EQ("ef", Receive(pair.b));
}

TEST_F(Unix, PeekLeavesTheData) {
  for (int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    Pair pair(type);
    Send(pair.a, "abc");
    EXPECT_EQ("ab", Receive(pair.b, MSG_PEEK, 2));
    EXPECT_EQ("abc", Receive(pair.b));
  }
}

TEST_F(Unix, WaitallCollectsTheWholeAmount) {
  Pair pair;
  std::thread writer([&] {
    Send(pair.a, "abc");
    usleep(5000);
    Send(pair.a, "def");
  });
  EXPECT_EQ("abcdef", Receive(pair.b, MSG_WAITALL, 6));
  writer.join();
}

TEST_F(Unix, WritingToAClosedPeerIsEpipeAndSigpipe) {
  Pair pair;
  pair.b.Reset();
  EXPECT_ERRNO(send(pair.a.get(), "x", 1, MSG_NOSIGNAL), EPIPE);
  EXPECT_EQ(SIGPIPE, WTERMSIG(StatusOf([&] { EXPECT_EQ(-1, write(pair.a.get(), "x", 1)); })));
}

TEST_F(Unix, UnreadDataAtCloseIsAReset) {
  Pair pair;
  Send(pair.a, "unread");
  pair.b.Reset();
  EXPECT_EQ("error ECONNRESET", Receive(pair.a));
  EXPECT_EQ("", Receive(pair.a));
}

TEST_F(Unix, ShutdownByDirection) {
  Pair pair;
  Send(pair.a, "last");
  EXPECT_OK(shutdown(pair.a.get(), SHUT_WR));
  EXPECT_ERRNO(send(pair.a.get(), "x", 1, MSG_NOSIGNAL), EPIPE);
  EXPECT_EQ("last", Receive(pair.b));
  EXPECT_EQ("", Receive(pair.b));
  Send(pair.b, "still");
  EXPECT_EQ("still", Receive(pair.a));
  EXPECT_OK(shutdown(pair.a.get(), SHUT_RD));
  EXPECT_ERRNO(send(pair.b.get(), "x", 1, MSG_NOSIGNAL), EPIPE);
  EXPECT_ERRNO(shutdown(pair.a.get(), 7), EINVAL);
}

TEST_F(Unix, ShutdownWakesABlockedReader) {
  Pair pair;
  std::thread closer([&] {
    usleep(5000);
    shutdown(pair.b.get(), SHUT_RDWR);
  });
  EXPECT_EQ("", Receive(pair.a, 0));
  closer.join();
}

TEST_F(Unix, NonblockingSendFillsUp) {
  Pair pair;
  ASSERT_OK(fcntl(pair.a.get(), F_SETFL, O_NONBLOCK));
  std::string block(4096, 'x');
  size_t total = 0;
  ssize_t n;
  while ((n = send(pair.a.get(), block.data(), block.size(), 0)) > 0) total += static_cast<size_t>(n);
  EXPECT_EQ(EAGAIN, errno);
  EXPECT_GT(total, 4096u);
  pollfd p = {pair.a.get(), POLLOUT, 0};
  EXPECT_EQ(0, poll(&p, 1, 0));
  size_t got = 0;
  for (std::string part; got < total; got += part.size()) {
    part = Receive(pair.b);
    ASSERT_NE(0u, part.find("error"));
  }
  EXPECT_EQ(1, poll(&p, 1, 0));
}

TEST_F(Unix, LargeTransferIsIntact) {
  Pair pair;
  std::string data(3 << 20, 0);
  for (size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>(i * 7 + (i >> 12));
  Child child([&] {
    pair.b.Reset();
    size_t at = 0;
    while (at < data.size()) {
      ssize_t n = send(pair.a.get(), data.data() + at, data.size() - at, 0);
      ASSERT_GT(n, 0);
      at += static_cast<size_t>(n);
    }
  });
  pair.a.Reset();
  EXPECT_TRUE(data == ReadAll(pair.b.get()));
  child.ExpectSuccess();
}

TEST_F(Unix, TypeDomainAndAcceptOptions) {
  auto option = [](const Fd& fd, int name) {
    int value = -1;
    socklen_t length = sizeof(value);
    EXPECT_OK(getsockopt(fd.get(), SOL_SOCKET, name, &value, &length));
    EXPECT_EQ(sizeof(value), length);
    return value;
  };
  Fd server = Listener(P("s"));
  EXPECT_EQ(SOCK_STREAM, option(server, SO_TYPE));
  EXPECT_EQ(AF_UNIX, option(server, SO_DOMAIN));
  EXPECT_EQ(0, option(server, SO_PROTOCOL));
  EXPECT_EQ(1, option(server, SO_ACCEPTCONN));
  EXPECT_EQ(0, option(Socket(SOCK_DGRAM), SO_ACCEPTCONN));
  EXPECT_EQ(0, option(server, SO_ERROR));
  EXPECT_GT(option(server, SO_SNDBUF), 0);
}

TEST_F(Unix, BufferSizeDoublesWhatIsSet) {
  Pair pair;
  int value = 20000;
  EXPECT_OK(setsockopt(pair.a.get(), SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)));
  socklen_t length = sizeof(value);
  EXPECT_OK(getsockopt(pair.a.get(), SOL_SOCKET, SO_SNDBUF, &value, &length));
  EXPECT_EQ(40000, value);
  EXPECT_ERRNO(setsockopt(pair.a.get(), SOL_SOCKET, SO_SNDBUF, &value, 2), EINVAL);
  EXPECT_ERRNO(setsockopt(pair.a.get(), SOL_SOCKET, 9999, &value, sizeof(value)), ENOPROTOOPT);
}

TEST_F(Unix, ReceiveTimeout) {
  Pair pair;
  timeval t = {0, 2000};
  ASSERT_OK(setsockopt(pair.a.get(), SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
  char c;
  EXPECT_ERRNO(recv(pair.a.get(), &c, 1, 0), EAGAIN);
}

TEST_F(Unix, PeerCredentialsAreThoseAtConnect) {
  REQUIRE_ROOT();
  Fd server = Listener(P("s"));
  ASSERT_OK(chmod(P("s").c_str(), 0777));
  Event done;
  Child child([&] {
    BecomeUser(kUser, kGroup);
    Fd client = Socket(SOCK_STREAM);
    EXPECT_OK(Connect(client, Address(P("s"))));
    done.Wait();
  });
  Fd peer(accept(server.get(), nullptr, nullptr));
  ucred cred = {};
  socklen_t length = sizeof(cred);
  ASSERT_OK(getsockopt(peer.get(), SOL_SOCKET, SO_PEERCRED, &cred, &length));
  EXPECT_EQ(child.pid(), cred.pid);
  EXPECT_EQ(kUser, cred.uid);
  EXPECT_EQ(kGroup, cred.gid);
  done.Set();
  child.ExpectSuccess();
}

TEST_F(Unix, FionreadAndSiocoutq) {
  Pair pair;
  Send(pair.a, "abcde");
  int n = 0;
  EXPECT_OK(ioctl(pair.b.get(), FIONREAD, &n));
  EXPECT_EQ(5, n);
}

TEST_F(Unix, SocketCallsOnOthersAreEnotsock) {
  Pipe pipe;
  char c;
  EXPECT_ERRNO(recv(pipe.read.get(), &c, 1, 0), ENOTSOCK);
  EXPECT_ERRNO(send(pipe.write.get(), &c, 1, 0), ENOTSOCK);
  EXPECT_ERRNO(listen(pipe.read.get(), 1), ENOTSOCK);
  EXPECT_ERRNO(shutdown(pipe.read.get(), SHUT_RD), ENOTSOCK);
  EXPECT_ERRNO(recv(-1, &c, 1, 0), EBADF);
}

TEST_F(Unix, OutOfBandIsRefusedForDatagrams) {
  Pair pair(SOCK_DGRAM);
  EXPECT_ERRNO(send(pair.a.get(), "x", 1, MSG_OOB), EOPNOTSUPP);
  EXPECT_ERRNO(lseek(pair.a.get(), 0, SEEK_SET), ESPIPE);
}

TEST_F(Unix, ReadAndWriteWorkLikeRecvAndSend) {
  Pair pair;
  EXPECT_EQ(3, write(pair.a.get(), "abc", 3));
  char buffer[8] = {};
  EXPECT_EQ(3, read(pair.b.get(), buffer, 8));
  EXPECT_STREQ("abc", buffer);
  ASSERT_OK(fcntl(pair.b.get(), F_SETFL, O_NONBLOCK));
  EXPECT_ERRNO(read(pair.b.get(), buffer, 8), EAGAIN);
}

}  // namespace
}  // namespace guest
