// poll, ppoll, select and pselect.
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

short Revents(int fd, short events, int timeout = 0) {
  pollfd p = {fd, events, 0};
  EXPECT_OK(poll(&p, 1, timeout));
  return p.revents;
}

TEST(Poll, EmptySetTimesOut) {
  EXPECT_EQ(0, poll(nullptr, 0, 0));
  EXPECT_EQ(0, poll(nullptr, 0, 2));
}

TEST(Poll, NegativeDescriptorsAreIgnored) {
  pollfd p[2] = {{-1, POLLIN, 99}, {-5, POLLOUT, 99}};
  EXPECT_EQ(0, poll(p, 2, 0));
  EXPECT_EQ(0, p[0].revents);
}

TEST(Poll, ClosedDescriptorIsPollnval) {
  pollfd p = {12345, POLLIN, 0};
  EXPECT_EQ(1, poll(&p, 1, -1));
  EXPECT_EQ(POLLNVAL, p.revents);
}

TEST(Poll, RegularFilesAreAlwaysReady) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "");
  Fd fd(open((dir / "f").c_str(), O_RDWR));
  EXPECT_EQ(POLLIN | POLLOUT, Revents(fd.get(), POLLIN | POLLOUT | POLLPRI));
}

TEST(Poll, CountsReadyEntriesNotEvents) {
  Pipe a, b;
  EXPECT_EQ(1, write(a.write.get(), "x", 1));
  pollfd p[3] = {{a.read.get(), POLLIN, 0}, {b.read.get(), POLLIN, 0}, {b.write.get(), POLLOUT, 0}};
  EXPECT_EQ(2, poll(p, 3, -1));
  EXPECT_EQ(POLLIN, p[0].revents);
  EXPECT_EQ(0, p[1].revents);
  EXPECT_EQ(POLLOUT, p[2].revents);
}

TEST(Poll, SameDescriptorTwice) {
  Pipe a;
  pollfd p[2] = {{a.write.get(), POLLOUT, 0}, {a.write.get(), POLLOUT, 0}};
  EXPECT_EQ(2, poll(p, 2, 0));
}

TEST(Poll, WakesWhenAnotherThreadWrites) {
  Pipe a;
  std::thread writer([&] {
    usleep(5000);
    EXPECT_EQ(1, write(a.write.get(), "x", 1));
  });
  EXPECT_EQ(POLLIN, Revents(a.read.get(), POLLIN, -1));
  writer.join();
}

TEST(Poll, WakesWhenTheWriterCloses) {
  Pipe a;
  std::thread closer([&] {
    usleep(5000);
    a.write.Reset();
  });
  EXPECT_EQ(POLLHUP, Revents(a.read.get(), POLLIN, -1));
  closer.join();
}

TEST(Poll, SocketHangups) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  Fd a(fds[0]), b(fds[1]);
  EXPECT_EQ(POLLOUT, Revents(a.get(), POLLIN | POLLOUT | POLLRDHUP));
  shutdown(b.get(), SHUT_WR);
  EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP, Revents(a.get(), POLLIN | POLLOUT | POLLRDHUP));
  b.Reset();
  EXPECT_EQ(POLLIN | POLLOUT | POLLRDHUP | POLLHUP, Revents(a.get(), POLLIN | POLLOUT | POLLRDHUP));
}

TEST(Poll, TooManyEntriesIsEinval) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  std::vector<pollfd> many(limit.rlim_cur + 1, pollfd{-1, 0, 0});
  EXPECT_ERRNO(poll(many.data(), many.size(), 0), EINVAL);
  EXPECT_EQ(0, poll(many.data(), many.size() - 1, 0));
}

TEST(Poll, ThousandDescriptors) {
  std::vector<Pipe> pipes(200);
  std::vector<pollfd> set;
  for (Pipe& p : pipes) set.push_back({p.read.get(), POLLIN, 0});
  EXPECT_EQ(0, poll(set.data(), set.size(), 0));
  std::thread writer([&] { EXPECT_EQ(1, write(pipes[137].write.get(), "x", 1)); });
  EXPECT_EQ(1, poll(set.data(), set.size(), -1));
  EXPECT_EQ(POLLIN, set[137].revents);
  writer.join();
}

TEST(Ppoll, MaskIsSwappedAtomically) {
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  ScopedBlock block({SIGUSR1});
  raise(SIGUSR1);
  sigset_t none = SignalSet({});
  timespec minute = {60, 0};
  EXPECT_ERRNO(ppoll(nullptr, 0, &minute, &none), EINTR);
  sigset_t now;
  sigprocmask(SIG_BLOCK, nullptr, &now);
  EXPECT_TRUE(sigismember(&now, SIGUSR1));
}

TEST(Ppoll, ReadyDescriptorWinsOverPendingBlockedSignal) {
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  ScopedBlock block({SIGUSR1});
  raise(SIGUSR1);
  Pipe a;
  pollfd p = {a.write.get(), POLLOUT, 0};
  EXPECT_EQ(1, ppoll(&p, 1, nullptr, nullptr));
  sigset_t set = SignalSet({SIGUSR1});
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, nullptr));
}

TEST(Ppoll, TimeoutIsCheckedAndUpdated) {
  timespec bad = {0, 1000000000};
  EXPECT_ERRNO(ppoll(nullptr, 0, &bad, nullptr), EINVAL);
  bad = {-1, 0};
  EXPECT_ERRNO(ppoll(nullptr, 0, &bad, nullptr), EINVAL);
  timespec t = {0, 2000000};
  EXPECT_EQ(0, syscall(SYS_ppoll, nullptr, 0, &t, nullptr, 8));
  EXPECT_EQ(0, t.tv_sec + t.tv_nsec) << "the raw call stores what is left";
  uint64_t mask = 0;
  EXPECT_ERRNO(syscall(SYS_ppoll, nullptr, 0, &t, &mask, 4), EINVAL);
}

fd_set Set(std::initializer_list<int> fds) {
  fd_set set;
  FD_ZERO(&set);
  for (int fd : fds) FD_SET(fd, &set);
  return set;
}

TEST(Select, ReportsReadyDescriptors) {
  Pipe a, b;
  EXPECT_EQ(1, write(a.write.get(), "x", 1));
  fd_set read_set = Set({a.read.get(), b.read.get()}), write_set = Set({b.write.get()});
  EXPECT_EQ(2, select(b.write.get() + 1, &read_set, &write_set, nullptr, nullptr));
  EXPECT_TRUE(FD_ISSET(a.read.get(), &read_set));
  EXPECT_FALSE(FD_ISSET(b.read.get(), &read_set));
  EXPECT_TRUE(FD_ISSET(b.write.get(), &write_set));
}

TEST(Select, CountsADescriptorPerSet) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  Fd a(fds[0]), b(fds[1]);
  EXPECT_EQ(1, send(b.get(), "x", 1, 0));
  fd_set read_set = Set({a.get()}), write_set = Set({a.get()});
  EXPECT_EQ(2, select(a.get() + 1, &read_set, &write_set, nullptr, nullptr));
}

TEST(Select, BadDescriptorIsEbadf) {
  int closed = dup(0);
  close(closed);
  fd_set set = Set({closed});
  EXPECT_ERRNO(select(closed + 1, &set, nullptr, nullptr, nullptr), EBADF);
  EXPECT_ERRNO(select(-1, nullptr, nullptr, nullptr, nullptr), EINVAL);
}

TEST(Select, TimeoutClearsTheSetsAndIsUpdated) {
  Pipe a;
  fd_set set = Set({a.read.get()});
  timeval t = {0, 2000};
  EXPECT_EQ(0, select(a.read.get() + 1, &set, nullptr, nullptr, &t));
  EXPECT_FALSE(FD_ISSET(a.read.get(), &set));
  EXPECT_EQ(0, t.tv_sec + t.tv_usec);
  t = {-1, 0};
  EXPECT_ERRNO(select(0, nullptr, nullptr, nullptr, &t), EINVAL);
}

TEST(Select, EndOfFileIsReadable) {
  Pipe a;
  a.write.Reset();
  fd_set set = Set({a.read.get()});
  EXPECT_EQ(1, select(a.read.get() + 1, &set, nullptr, nullptr, nullptr));
}

TEST(Select, BrokenPipeIsWritable) {
  Pipe a;
  a.read.Reset();
  fd_set set = Set({a.write.get()});
  EXPECT_EQ(1, select(a.write.get() + 1, nullptr, &set, nullptr, nullptr));
}

TEST(Pselect, MaskIsSwapped) {
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  ScopedBlock block({SIGUSR1});
  raise(SIGUSR1);
  sigset_t none = SignalSet({});
  EXPECT_ERRNO(pselect(0, nullptr, nullptr, nullptr, nullptr, &none), EINTR);
}

TEST(Pselect, TimeoutOfZeroPolls) {
  Pipe a;
  fd_set set = Set({a.read.get()});
  timespec zero = {};
  EXPECT_EQ(0, pselect(a.read.get() + 1, &set, nullptr, nullptr, &zero, nullptr));
}

}  // namespace
}  // namespace guest
