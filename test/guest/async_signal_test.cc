// O_ASYNC, F_SETOWN, F_SETSIG: signals that tell of input and output (fcntl(2)).
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

// A queued signal, so that none is lost among others; blocked, to be taken by Take().
const int kSignal = SIGRTMIN + 3;

class AsyncSignals : public ::testing::Test {
 protected:
  void Ask(int fd) {
    ASSERT_OK(fcntl(fd, F_SETOWN, getpid()));
    ASSERT_OK(fcntl(fd, F_SETSIG, kSignal));
    ASSERT_OK(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
  }
  // Waits for the next signal.
  static siginfo_t Take() {
    const sigset_t set = SignalSet({kSignal});
    siginfo_t info = {};
    EXPECT_EQ(kSignal, sigwaitinfo(&set, &info));
    return info;
  }
  // Those that may still come.
  static bool Pending() {
    const sigset_t set = SignalSet({kSignal});
    const timespec soon = {0, 100'000'000};
    return sigtimedwait(&set, nullptr, &soon) == kSignal;
  }
  static void ExpectInput(int fd) {
    const siginfo_t info = Take();
    EXPECT_EQ(POLL_IN, info.si_code);
    EXPECT_EQ(fd, info.si_fd);
    EXPECT_EQ(POLLIN | POLLRDNORM, info.si_band);
  }

  // For those that come when a test is over: the end of the other side tells too.
  static void Ignore(int) {}
  ScopedHandler late_{kSignal, Ignore}, late_io_{SIGIO, Ignore};
  ScopedBlock block_{{kSignal, SIGIO}};
};

TEST_F(AsyncSignals, PipeTellsOfInput) {
  Fd ends[2];
  int fds[2];
  ASSERT_OK(pipe(fds));
  ends[0].Reset(fds[0]), ends[1].Reset(fds[1]);
  Ask(fds[0]);
  EXPECT_FALSE(Pending());
  ASSERT_EQ(1, write(fds[1], "x", 1));
  ExpectInput(fds[0]);
  char byte;
  ASSERT_EQ(1, read(fds[0], &byte, 1));
  ASSERT_OK(fcntl(fds[0], F_SETFL, 0));
  while (Pending()) {
  }
  ASSERT_EQ(1, write(fds[1], "x", 1));
  EXPECT_FALSE(Pending()) << "no longer asked for";
  ASSERT_EQ(1, read(fds[0], &byte, 1));
  int on = 1;
  ASSERT_OK(ioctl(fds[0], FIOASYNC, &on));
  ASSERT_EQ(1, write(fds[1], "x", 1));
  ExpectInput(fds[0]);
}

TEST_F(AsyncSignals, SocketsTellOfInput) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET}) {
    int fds[2];
    ASSERT_OK(socketpair(AF_UNIX, type, 0, fds));
    Fd one(fds[0]), other(fds[1]);
    Ask(fds[0]);
    while (Pending()) {  // of the one before
    }
    ASSERT_EQ(4, write(fds[1], "text", 4));
    siginfo_t info;
    do info = Take();
    while (info.si_code == POLL_OUT);
    EXPECT_EQ(POLL_IN, info.si_code);
    EXPECT_EQ(fds[0], info.si_fd);
  }
}

TEST_F(AsyncSignals, TerminalsTellOfInput) {
  Fd master(posix_openpt(O_RDWR | O_NOCTTY));
  ASSERT_OK(grantpt(master.get()));
  ASSERT_OK(unlockpt(master.get()));
  char name[64];
  ASSERT_EQ(0, ptsname_r(master.get(), name, sizeof name));
  Fd slave(open(name, O_RDWR | O_NOCTTY));
  ASSERT_TRUE(slave.valid());
  Ask(slave.get());
  ASSERT_EQ(5, write(master.get(), "line\n", 5));
  siginfo_t info;
  do info = Take();
  while (info.si_code == POLL_OUT);
  EXPECT_EQ(POLL_IN, info.si_code);
}

TEST_F(AsyncSignals, InotifyTellsOfEvents) {
  ScopedTempDir dir;
  Fd watch(inotify_init1(IN_CLOEXEC));
  ASSERT_OK(inotify_add_watch(watch.get(), dir.path().c_str(), IN_CREATE));
  Ask(watch.get());
  WriteFile(dir / "f", "");
  ExpectInput(watch.get());
}

TEST_F(AsyncSignals, WithoutASignalItIsSigio) {
  int fds[2];
  ASSERT_OK(pipe(fds));
  Fd reader(fds[0]), writer(fds[1]);
  ASSERT_OK(fcntl(fds[0], F_SETOWN, getpid()));
  ASSERT_OK(fcntl(fds[0], F_SETFL, O_ASYNC));
  ASSERT_EQ(1, write(fds[1], "x", 1));
  const sigset_t set = SignalSet({SIGIO});
  siginfo_t info = {};
  EXPECT_EQ(SIGIO, sigwaitinfo(&set, &info));
}

TEST_F(AsyncSignals, NobodyIsToldWithoutAnOwner) {
  int fds[2];
  ASSERT_OK(pipe(fds));
  Fd reader(fds[0]), writer(fds[1]);
  ASSERT_OK(fcntl(fds[0], F_SETSIG, kSignal));
  ASSERT_OK(fcntl(fds[0], F_SETFL, O_ASYNC));
  ASSERT_EQ(1, write(fds[1], "x", 1));
  EXPECT_FALSE(Pending());
}

TEST_F(AsyncSignals, OthersProcessesAreNotTold) {
  if (getuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  const pid_t root = getpid();
  InChildAs(65534, 65534, [&] {
    int fds[2];
    ASSERT_OK(pipe(fds));
    Fd reader(fds[0]), writer(fds[1]);
    ASSERT_OK(fcntl(fds[0], F_SETOWN, root));
    ASSERT_OK(fcntl(fds[0], F_SETSIG, kSignal));
    ASSERT_OK(fcntl(fds[0], F_SETFL, O_ASYNC));
    ASSERT_EQ(1, write(fds[1], "x", 1));
  });
  EXPECT_FALSE(Pending());
}

TEST_F(AsyncSignals, TheDescriptionKeepsNothingBehind) {
  for (int round = 0; round < 50; ++round) {
    int fds[2];
    ASSERT_OK(pipe(fds));
    Ask(fds[0]);
    std::thread writer([&] { EXPECT_EQ(1, write(fds[1], "x", 1)); });
    writer.join();
    close(fds[0]);
    close(fds[1]);
  }
  while (Pending()) {
  }
}

}  // namespace
}  // namespace guest
