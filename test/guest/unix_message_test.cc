// What travels beside the data of an AF_UNIX socket: descriptors and credentials; sendmmsg and recvmmsg.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

struct Pair {
  Fd a, b;
  explicit Pair(int type = SOCK_STREAM) {
    int fds[2];
    EXPECT_OK(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds));
    a.Reset(fds[0]);
    b.Reset(fds[1]);
  }
};

ssize_t SendFds(int socket, const std::vector<int>& fds, const std::string& data = "x", int flags = 0) {
  std::vector<char> control(CMSG_SPACE(sizeof(int) * fds.size()));
  iovec v = {const_cast<char*>(data.data()), data.size()};
  msghdr m = {};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  m.msg_control = control.data();
  m.msg_controllen = control.size();
  cmsghdr* c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
  memcpy(CMSG_DATA(c), fds.data(), sizeof(int) * fds.size());
  return sendmsg(socket, &m, flags);
}

struct Received {
  ssize_t size = -1;
  std::string data;
  int flags = 0;
  std::vector<Fd> fds;
  bool has_cred = false;
  ucred cred = {};
};

Received Receive(int socket, size_t control_size = 1024, int flags = MSG_DONTWAIT) {
  std::vector<char> control(std::max<size_t>(control_size, 1));
  char buffer[256];
  iovec v = {buffer, sizeof(buffer)};
  msghdr m = {};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  m.msg_control = control_size > 0 ? control.data() : nullptr;
  m.msg_controllen = control_size;
  Received out;
  out.size = recvmsg(socket, &m, flags);
  if (out.size > 0) out.data.assign(buffer, static_cast<size_t>(out.size));
  out.flags = m.msg_flags;
  if (out.size < 0) return out;
  for (cmsghdr* c = CMSG_FIRSTHDR(&m); c != nullptr; c = CMSG_NXTHDR(&m, c)) {
    if (c->cmsg_type == SCM_RIGHTS) {
      for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
        out.fds.emplace_back(reinterpret_cast<int*>(CMSG_DATA(c))[i]);
      }
    } else if (c->cmsg_type == SCM_CREDENTIALS) {
      out.has_cred = true;
      memcpy(&out.cred, CMSG_DATA(c), sizeof(ucred));
    }
  }
  return out;
}

ino_t Inode(int fd) {
  struct stat s = {};
  EXPECT_OK(fstat(fd, &s));
  return s.st_ino;
}

TEST(Rights, DescriptorArrivesAsANewNumberForTheSameFile) {
  Pair pair;
  Pipe pipe;
  EXPECT_EQ(1, SendFds(pair.a.get(), {pipe.read.get()}));
  Received got = Receive(pair.b.get());
  ASSERT_EQ(1u, got.fds.size());
  EXPECT_NE(pipe.read.get(), got.fds[0].get());
  EXPECT_EQ(Inode(pipe.read.get()), Inode(got.fds[0].get()));
  EXPECT_EQ(0, fcntl(got.fds[0].get(), F_GETFD));
}

TEST(Rights, CmsgCloexec) {
  Pair pair;
  EXPECT_EQ(1, SendFds(pair.a.get(), {0}));
  Received got = Receive(pair.b.get(), 1024, MSG_CMSG_CLOEXEC);
  ASSERT_EQ(1u, got.fds.size());
  EXPECT_EQ(FD_CLOEXEC, fcntl(got.fds[0].get(), F_GETFD));
}

TEST(Rights, ManyAtOnce) {
  Pair pair;
  EXPECT_EQ(1, SendFds(pair.a.get(), std::vector<int>(253, 0)));
  EXPECT_EQ(253u, Receive(pair.b.get(), 2048).fds.size());
  EXPECT_ERRNO(SendFds(pair.a.get(), std::vector<int>(254, 0)), EINVAL);
}

TEST(Rights, BadDescriptorIsEbadfAndNothingIsSent) {
  Pair pair;
  EXPECT_ERRNO(SendFds(pair.a.get(), {0, 9999}), EBADF);
  EXPECT_EQ(-1, Receive(pair.b.get()).size);
}

TEST(Rights, ReachAnotherProcess) {
  Pair pair;
  ScopedTempDir dir;
  Child child([&] {
    Fd fd(open((dir / "f").c_str(), O_CREAT | O_RDWR, 0600));
    EXPECT_EQ(3, write(fd.get(), "abc", 3));
    EXPECT_EQ(1, SendFds(pair.a.get(), {fd.get()}));
  });
  Received got = Receive(pair.b.get(), 1024, 0);
  child.ExpectSuccess();
  ASSERT_EQ(1u, got.fds.size());
  EXPECT_EQ(3, lseek(got.fds[0].get(), 0, SEEK_CUR)) << "the same open file description";
  char buffer[4] = {};
  EXPECT_EQ(3, pread(got.fds[0].get(), buffer, 3, 0));
}

TEST(Rights, InFlightDescriptorKeepsItsFileOpen) {
  Pair pair;
  Pipe pipe;
  EXPECT_EQ(1, SendFds(pair.a.get(), {pipe.write.get()}));
  pipe.write.Reset();
  ASSERT_OK(fcntl(pipe.read.get(), F_SETFL, O_NONBLOCK));
  char c;
  EXPECT_ERRNO(read(pipe.read.get(), &c, 1), EAGAIN) << "a writer still exists";
  pair.b.Reset();
  pair.a.Reset();
  EXPECT_EQ(0, read(pipe.read.get(), &c, 1)) << "dropped with the socket";
}

TEST(Rights, NoRoomForControlDropsThemAndSaysSo) {
  Pair pair;
  EXPECT_EQ(1, SendFds(pair.a.get(), {0}));
  Received got = Receive(pair.b.get(), 0);
  EXPECT_EQ(1, got.size);
  EXPECT_EQ(MSG_CTRUNC, got.flags & MSG_CTRUNC);
}

TEST(Rights, PartialRoomDeliversSome) {
  Pair pair;
  EXPECT_EQ(1, SendFds(pair.a.get(), {0, 0, 0, 0}));
  Received got = Receive(pair.b.get(), CMSG_LEN(sizeof(int)));
  EXPECT_EQ(1u, got.fds.size());
  EXPECT_EQ(MSG_CTRUNC, got.flags & MSG_CTRUNC);
}

TEST(Rights, PlainReadDropsThem) {
  Pair pair;
  Pipe pipe;
  EXPECT_EQ(1, SendFds(pair.a.get(), {pipe.write.get()}));
  pipe.write.Reset();
  char c;
  EXPECT_EQ(1, read(pair.b.get(), &c, 1));
  EXPECT_EQ(0, read(pipe.read.get(), &c, 1));
}

TEST(Rights, AreABarrierInAStream) {
  Pair pair;
  EXPECT_EQ(2, send(pair.a.get(), "ab", 2, 0));
  EXPECT_EQ(2, SendFds(pair.a.get(), {0}, "cd"));
  EXPECT_EQ(2, send(pair.a.get(), "ef", 2, 0));
  Received first = Receive(pair.b.get());
  EXPECT_EQ(0u, first.data.find("ab"));
  size_t fds = first.fds.size();
  std::string data = first.data;
  while (data.size() < 6) {
    Received more = Receive(pair.b.get());
    ASSERT_GT(more.size, 0);
    fds += more.fds.size();
    data += more.data;
  }
  EXPECT_EQ("abcdef", data);
  EXPECT_EQ(1u, fds);
}

TEST(Rights, PeekDuplicatesThem) {
  Pair pair;
  EXPECT_EQ(1, SendFds(pair.a.get(), {0}));
  EXPECT_EQ(1u, Receive(pair.b.get(), 1024, MSG_PEEK).fds.size());
  EXPECT_EQ(1u, Receive(pair.b.get()).fds.size());
}

TEST(Rights, WithDatagramsAndPackets) {
  for (int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    Pair pair(type);
    EXPECT_EQ(1, SendFds(pair.a.get(), {0}));
    EXPECT_EQ(1u, Receive(pair.b.get()).fds.size());
  }
}

TEST(Rights, SocketsThroughThemselvesAreCollected) {
  for (int i = 0; i < 50; ++i) {
    Pair pair;
    EXPECT_EQ(1, SendFds(pair.a.get(), {pair.a.get(), pair.b.get()}));
  }
}

TEST(Rights, EpollAndPathDescriptorsTravel) {
  Pair pair;
  Fd path(open("/tmp", O_PATH));
  EXPECT_EQ(1, SendFds(pair.a.get(), {path.get()}));
  Received got = Receive(pair.b.get());
  ASSERT_EQ(1u, got.fds.size());
  EXPECT_TRUE(fcntl(got.fds[0].get(), F_GETFL) & O_PATH);
}

void PassCredentials(const Fd& fd) {
  int on = 1;
  EXPECT_OK(setsockopt(fd.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)));
}

ssize_t SendCred(int socket, ucred cred) {
  char control[CMSG_SPACE(sizeof(ucred))] = {};
  char data = 'c';
  iovec v = {&data, 1};
  msghdr m = {};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  m.msg_control = control;
  m.msg_controllen = sizeof(control);
  cmsghdr* c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_CREDENTIALS;
  c->cmsg_len = CMSG_LEN(sizeof(ucred));
  memcpy(CMSG_DATA(c), &cred, sizeof(cred));
  return sendmsg(socket, &m, 0);
}

TEST(CredentialsMessage, ComeWithPasscredWithoutAsking) {
  Pair pair;
  PassCredentials(pair.b);
  EXPECT_EQ(1, send(pair.a.get(), "x", 1, 0));
  Received got = Receive(pair.b.get());
  ASSERT_TRUE(got.has_cred);
  EXPECT_EQ(getpid(), got.cred.pid);
  EXPECT_EQ(getuid(), got.cred.uid);
  EXPECT_EQ(getgid(), got.cred.gid);
}

TEST(CredentialsMessage, DoNotComeWithoutPasscred) {
  Pair pair;
  EXPECT_EQ(1, SendCred(pair.a.get(), {getpid(), getuid(), getgid()}));
  EXPECT_FALSE(Receive(pair.b.get()).has_cred);
}

TEST(CredentialsMessage, NameTheSenderNotTheCreator) {
  Pair pair;
  PassCredentials(pair.b);
  Child child([&] { EXPECT_EQ(1, send(pair.a.get(), "x", 1, 0)); });
  Received got = Receive(pair.b.get(), 1024, 0);
  EXPECT_EQ(child.pid(), got.cred.pid);
  child.ExpectSuccess();
}

TEST(CredentialsMessage, ForgeryIsEperm) {
  REQUIRE_ROOT();
  Pair pair;
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(SendCred(pair.a.get(), {getpid(), 0, kGroup}), EPERM);
    EXPECT_ERRNO(SendCred(pair.a.get(), {getppid(), kUser, kGroup}), EPERM);
    EXPECT_EQ(1, SendCred(pair.a.get(), {getpid(), kUser, kGroup}));
  });
}

TEST(CredentialsMessage, RootMaySendOtherIds) {
  REQUIRE_ROOT();
  Pair pair;
  PassCredentials(pair.b);
  EXPECT_EQ(1, SendCred(pair.a.get(), {getpid(), kUser, kGroup}));
  EXPECT_EQ(kUser, Receive(pair.b.get()).cred.uid);
}

TEST(CredentialsMessage, DifferentSendersDoNotMergeInAStream) {
  Pair pair;
  PassCredentials(pair.b);
  EXPECT_EQ(1, send(pair.a.get(), "p", 1, 0));
  InChild([&] { EXPECT_EQ(1, send(pair.a.get(), "c", 1, 0)); });
  EXPECT_EQ("p", Receive(pair.b.get()).data);
  EXPECT_EQ("c", Receive(pair.b.get()).data);
}

TEST(ControlMessage, GarbageIsRefused) {
  Pair pair;
  char control[64] = {};
  char data = 'x';
  iovec v = {&data, 1};
  msghdr m = {};
  m.msg_iov = &v;
  m.msg_iovlen = 1;
  m.msg_control = control;
  m.msg_controllen = sizeof(control);
  auto* c = reinterpret_cast<cmsghdr*>(control);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = 99;
  c->cmsg_len = CMSG_LEN(4);
  EXPECT_ERRNO(sendmsg(pair.a.get(), &m, 0), EINVAL);
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = 4;
  EXPECT_ERRNO(sendmsg(pair.a.get(), &m, 0), EINVAL);
  c->cmsg_len = 1000;
  EXPECT_ERRNO(sendmsg(pair.a.get(), &m, 0), EINVAL);
}

TEST(Sendmsg, VectorIsGathered) {
  Pair pair(SOCK_DGRAM);
  char a[] = "ab", b[] = "cde";
  iovec v[3] = {{a, 2}, {nullptr, 0}, {b, 3}};
  msghdr m = {};
  m.msg_iov = v;
  m.msg_iovlen = 3;
  EXPECT_EQ(5, sendmsg(pair.a.get(), &m, 0));
  EXPECT_EQ("abcde", Receive(pair.b.get()).data);
  m.msg_iovlen = 2000;
  EXPECT_ERRNO(sendmsg(pair.a.get(), &m, 0), EMSGSIZE);
}

TEST(Sendmmsg, SendsAndReceivesSeveral) {
  Pair pair(SOCK_DGRAM);
  char data[3][4] = {"one", "two", "thr"};
  iovec v[3];
  mmsghdr list[3] = {};
  for (int i = 0; i < 3; ++i) {
    v[i] = {data[i], 3};
    list[i].msg_hdr.msg_iov = &v[i];
    list[i].msg_hdr.msg_iovlen = 1;
  }
  EXPECT_EQ(3, sendmmsg(pair.a.get(), list, 3, 0));
  EXPECT_EQ(3u, list[2].msg_len);
  memset(data, 0, sizeof(data));
  EXPECT_EQ(3, recvmmsg(pair.b.get(), list, 3, MSG_DONTWAIT, nullptr));
  EXPECT_STREQ("two", data[1]);
  EXPECT_ERRNO(recvmmsg(pair.b.get(), list, 3, MSG_DONTWAIT, nullptr), EAGAIN);
}

TEST(Recvmmsg, WaitforoneReturnsWhatIsThere) {
  Pair pair(SOCK_DGRAM);
  EXPECT_EQ(1, send(pair.a.get(), "x", 1, 0));
  char buffer[2][8];
  iovec v[2] = {{buffer[0], 8}, {buffer[1], 8}};
  mmsghdr list[2] = {};
  for (int i = 0; i < 2; ++i) {
    list[i].msg_hdr.msg_iov = &v[i];
    list[i].msg_hdr.msg_iovlen = 1;
  }
  EXPECT_EQ(1, recvmmsg(pair.b.get(), list, 2, MSG_WAITFORONE, nullptr));
}

}  // namespace
}  // namespace guest
