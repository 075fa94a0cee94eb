// epoll: level, edge, one-shot and exclusive triggering, nesting, lifetime of entries.
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <atomic>
#include <map>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

class Epoll : public testing::Test {
 protected:
  int ep() const { return epoll_.get(); }
  int r() const { return pipe_.read.get(); }
  int w() const { return pipe_.write.get(); }
  long Control(int op, int fd, uint32_t events, uint64_t data = 7) {
    epoll_event event = {events, {}};
    event.data.u64 = data;
    return epoll_ctl(ep(), op, fd, &event);
  }
  // What is ready now: data -> events.
  std::map<uint64_t, uint32_t> Ready(int timeout = 0, int epoll = -1) {
    epoll_event events[64];
    int n = epoll_wait(epoll < 0 ? ep() : epoll, events, 64, timeout);
    EXPECT_OK(n);
    std::map<uint64_t, uint32_t> out;
    for (int i = 0; i < n; ++i) out[events[i].data.u64] = events[i].events;
    return out;
  }
  void Fill() { EXPECT_EQ(1, write(w(), "x", 1)); }
  void Drain() {
    char c;
    EXPECT_EQ(1, read(r(), &c, 1));
  }

  using Map = std::map<uint64_t, uint32_t>;
  Fd epoll_{epoll_create1(EPOLL_CLOEXEC)};
  Pipe pipe_;
};

TEST_F(Epoll, CreateChecksItsArguments) {
  EXPECT_ERRNO(epoll_create1(1), EINVAL);
  EXPECT_ERRNO(epoll_create(0), EINVAL);
  Fd fd(epoll_create(1));
  EXPECT_TRUE(fd.valid());
  EXPECT_EQ(FD_CLOEXEC, fcntl(ep(), F_GETFD));
}

TEST_F(Epoll, ControlErrors) {
  EXPECT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  EXPECT_ERRNO(Control(EPOLL_CTL_ADD, r(), EPOLLIN), EEXIST);
  EXPECT_ERRNO(Control(EPOLL_CTL_MOD, w(), EPOLLIN), ENOENT);
  EXPECT_ERRNO(Control(EPOLL_CTL_DEL, w(), 0), ENOENT);
  EXPECT_ERRNO(Control(EPOLL_CTL_ADD, -1, EPOLLIN), EBADF);
  EXPECT_ERRNO(Control(EPOLL_CTL_ADD, ep(), EPOLLIN), EINVAL);
  EXPECT_ERRNO(Control(99, r(), EPOLLIN), EINVAL);
  epoll_event event = {};
  EXPECT_ERRNO(epoll_ctl(r(), EPOLL_CTL_ADD, w(), &event), EINVAL);
  EXPECT_ERRNO(epoll_ctl(-1, EPOLL_CTL_ADD, w(), &event), EBADF);
  EXPECT_OK(epoll_ctl(ep(), EPOLL_CTL_DEL, r(), nullptr));
}

TEST_F(Epoll, RegularFilesAreRefused) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "");
  Fd file(open((dir / "f").c_str(), O_RDWR)), directory(open(dir.c_str(), O_RDONLY));
  EXPECT_ERRNO(Control(EPOLL_CTL_ADD, file.get(), EPOLLIN), EPERM);
  EXPECT_ERRNO(Control(EPOLL_CTL_ADD, directory.get(), EPOLLIN), EPERM);
}

TEST_F(Epoll, WaitErrors) {
  epoll_event event;
  EXPECT_ERRNO(epoll_wait(ep(), &event, 0, 0), EINVAL);
  EXPECT_ERRNO(epoll_wait(ep(), &event, -1, 0), EINVAL);
  EXPECT_ERRNO(epoll_wait(r(), &event, 1, 0), EINVAL);
  EXPECT_ERRNO(epoll_wait(-1, &event, 1, 0), EBADF);
  EXPECT_ERRNO(epoll_wait(ep(), &event, 0x7fffffff, 0), EINVAL);
}

TEST_F(Epoll, LevelReportsAsLongAsItLasts) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  EXPECT_EQ(Map{}, Ready());
  Fill();
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready());
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready());
  Drain();
  EXPECT_EQ(Map{}, Ready());
}

TEST_F(Epoll, EdgeReportsOncePerArrival) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN | EPOLLET));
  Fill();
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready());
  EXPECT_EQ(Map{}, Ready());
  Fill();
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready()) << "new data is a new edge";
}

TEST_F(Epoll, EdgeReportsWhatWasThereBeforeAdding) {
  Fill();
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN | EPOLLET));
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready());
}

TEST_F(Epoll, ModificationRearmsAnEdge) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN | EPOLLET));
  Fill();
  EXPECT_EQ(1u, Ready().size());
  ASSERT_OK(Control(EPOLL_CTL_MOD, r(), EPOLLIN | EPOLLET));
  EXPECT_EQ(1u, Ready().size());
}

TEST_F(Epoll, OneshotDisarmsUntilModified) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN | EPOLLONESHOT));
  Fill();
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready());
  Fill();
  EXPECT_EQ(Map{}, Ready());
  ASSERT_OK(Control(EPOLL_CTL_MOD, r(), EPOLLIN | EPOLLONESHOT, 8));
  EXPECT_EQ((Map{{8, EPOLLIN}}), Ready());
}

TEST_F(Epoll, HangupAndErrorAreAlwaysReported) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), 0));
  pipe_.write.Reset();
  EXPECT_EQ((Map{{7, EPOLLHUP}}), Ready());
  Pipe other;
  ASSERT_OK(Control(EPOLL_CTL_ADD, other.write.get(), 0, 9));
  other.read.Reset();
  EXPECT_EQ((Map{{7, EPOLLHUP}, {9, EPOLLERR}}), Ready());
}

TEST_F(Epoll, SocketShutdownIsRdhup) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  Fd a(fds[0]), b(fds[1]);
  ASSERT_OK(Control(EPOLL_CTL_ADD, a.get(), EPOLLIN | EPOLLRDHUP));
  shutdown(b.get(), SHUT_WR);
  EXPECT_EQ((Map{{7, EPOLLIN | EPOLLRDHUP}}), Ready());
  b.Reset();
  EXPECT_EQ((Map{{7, EPOLLIN | EPOLLRDHUP | EPOLLHUP}}), Ready());
}

TEST_F(Epoll, DataIsReturnedUntouched) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, w(), EPOLLOUT, 0xfedcba9876543210));
  EXPECT_EQ((Map{{0xfedcba9876543210, EPOLLOUT}}), Ready());
  ASSERT_OK(Control(EPOLL_CTL_MOD, w(), EPOLLOUT, 5));
  EXPECT_EQ((Map{{5, EPOLLOUT}}), Ready());
}

TEST_F(Epoll, DeletedEntriesAreSilent) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  Fill();
  ASSERT_OK(Control(EPOLL_CTL_DEL, r(), 0));
  EXPECT_EQ(Map{}, Ready());
}

TEST_F(Epoll, ClosingTheLastDescriptorRemovesTheEntry) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  Fill();
  pipe_.read.Reset();
  EXPECT_EQ(Map{}, Ready());
}

TEST_F(Epoll, DuplicateKeepsTheEntryAlive) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  Fd duplicate(dup(r()));
  Fill();
  pipe_.read.Reset();
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready());
  duplicate.Reset();
  EXPECT_EQ(Map{}, Ready());
}

TEST_F(Epoll, DuplicateIsAnEntryOfItsOwn) {
  Fd duplicate(dup(r()));
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN, 1));
  ASSERT_OK(Control(EPOLL_CTL_ADD, duplicate.get(), EPOLLIN, 2));
  Fill();
  EXPECT_EQ(2u, Ready().size());
}

TEST_F(Epoll, ManyEventsRotateFairly) {
  std::vector<Pipe> pipes(10);
  for (size_t i = 0; i < pipes.size(); ++i) ASSERT_OK(Control(EPOLL_CTL_ADD, pipes[i].write.get(), EPOLLOUT, i));
  std::map<uint64_t, int> seen;
  for (int i = 0; i < 10; ++i) {
    epoll_event event;
    ASSERT_EQ(1, epoll_wait(ep(), &event, 1, 0));
    ++seen[event.data.u64];
  }
  EXPECT_EQ(10u, seen.size()) << "a level entry goes to the end of the list when reported";
}

TEST_F(Epoll, WaitWakesOnArrival) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  std::thread writer([&] {
    usleep(5000);
    Fill();
  });
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready(-1));
  writer.join();
}

TEST_F(Epoll, AddingWhileAnotherThreadWaits) {
  Fill();
  std::thread adder([&] {
    usleep(5000);
    ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  });
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready(-1));
  adder.join();
}

TEST_F(Epoll, TimeoutReturnsZero) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  EXPECT_EQ(Map{}, Ready(2));
}

TEST_F(Epoll, IsItselfPollableAndNests) {
  Fd outer(epoll_create1(0));
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  epoll_event event = {EPOLLIN, {}};
  event.data.u64 = 42;
  ASSERT_OK(epoll_ctl(outer.get(), EPOLL_CTL_ADD, ep(), &event));
  EXPECT_EQ(Map{}, Ready(0, outer.get()));
  Fill();
  EXPECT_EQ((Map{{42, EPOLLIN}}), Ready(-1, outer.get()));
  Drain();
  EXPECT_EQ(Map{}, Ready(0, outer.get()));
}

TEST_F(Epoll, CycleIsEloop) {
  Fd outer(epoll_create1(0));
  epoll_event event = {EPOLLIN, {}};
  ASSERT_OK(epoll_ctl(outer.get(), EPOLL_CTL_ADD, ep(), &event));
  EXPECT_ERRNO(epoll_ctl(ep(), EPOLL_CTL_ADD, outer.get(), &event), ELOOP);
}

TEST_F(Epoll, TooDeepNestingIsRefused) {
  std::vector<Fd> chain;
  chain.emplace_back(epoll_create1(0));
  epoll_event event = {EPOLLIN, {}};
  long result = 0;
  for (int i = 0; i < 8 && result == 0; ++i) {
    chain.emplace_back(epoll_create1(0));
    result = epoll_ctl(chain[chain.size() - 1].get(), EPOLL_CTL_ADD, chain[chain.size() - 2].get(), &event);
  }
  EXPECT_EQ(-1, result);
  EXPECT_TRUE(errno == ELOOP || errno == EINVAL) << ErrnoText(errno);
}

TEST_F(Epoll, ExclusiveRules) {
  EXPECT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN | EPOLLEXCLUSIVE));
  EXPECT_ERRNO(Control(EPOLL_CTL_MOD, r(), EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
  EXPECT_ERRNO(Control(EPOLL_CTL_MOD, r(), EPOLLIN), EINVAL);
  EXPECT_ERRNO(Control(EPOLL_CTL_ADD, w(), EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT), EINVAL);
  Fd other(epoll_create1(0));
  EXPECT_ERRNO(Control(EPOLL_CTL_ADD, other.get(), EPOLLIN | EPOLLEXCLUSIVE), EINVAL);
  Fill();
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready());
}

TEST_F(Epoll, OneWaiterOfManyWakesForALevelEvent) {
  Fd event_fd(eventfd(0, EFD_NONBLOCK));
  ASSERT_OK(Control(EPOLL_CTL_ADD, event_fd.get(), EPOLLIN));
  std::atomic<int> consumed{0};
  std::vector<std::thread> waiters;
  for (int i = 0; i < 4; ++i) {
    waiters.emplace_back([&] {
      while (consumed < 20) {
        epoll_event event;
        uint64_t value;
        if (epoll_wait(ep(), &event, 1, 10) == 1 && read(event_fd.get(), &value, 8) == 8) {
          consumed += static_cast<int>(value);
        }
      }
    });
  }
  uint64_t one = 1;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(8, write(event_fd.get(), &one, 8));
  for (std::thread& t : waiters) t.join();
  EXPECT_EQ(20, consumed);
}

TEST_F(Epoll, PwaitSwapsTheMask) {
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  ScopedBlock block({SIGUSR1});
  raise(SIGUSR1);
  sigset_t none = SignalSet({});
  epoll_event event;
  EXPECT_ERRNO(epoll_pwait(ep(), &event, 1, -1, &none), EINTR);
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  EXPECT_TRUE(sigismember(&mask, SIGUSR1));
}

TEST_F(Epoll, Pwait2HasNanoseconds) {
  epoll_event event;
  timespec t = {0, 1000};
  EXPECT_EQ(0, syscall(441, ep(), &event, 1, &t, nullptr, 8));
  t = {0, 1000000000};
  EXPECT_ERRNO(syscall(441, ep(), &event, 1, &t, nullptr, 8), EINVAL);
}

TEST_F(Epoll, IsSharedWithAForkedChild) {
  ASSERT_OK(Control(EPOLL_CTL_ADD, r(), EPOLLIN));
  InChild([&] { Fill(); });
  EXPECT_EQ((Map{{7, EPOLLIN}}), Ready());
  InChild([&] { EXPECT_EQ(1u, Ready().size()); });
}

TEST_F(Epoll, ReadAndWriteAreEinval) {
  char c;
  EXPECT_ERRNO(read(ep(), &c, 1), EINVAL);
  EXPECT_ERRNO(write(ep(), &c, 1), EINVAL);
}

}  // namespace
}  // namespace guest
