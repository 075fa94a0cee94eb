// Waiting for signals, interruption and restart of blocked calls, job-control stops.
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include <atomic>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

std::atomic<int> handled;
void Count(int) { ++handled; }

TEST(Sigsuspend, RunsTheHandlerAndRestoresTheMask) {
  handled = 0;
  ScopedHandler handler(SIGUSR1, Count);
  ScopedBlock block({SIGUSR1});
  raise(SIGUSR1);
  sigset_t none = SignalSet({});
  EXPECT_ERRNO(sigsuspend(&none), EINTR);
  EXPECT_EQ(1, handled);
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  EXPECT_TRUE(sigismember(&mask, SIGUSR1));
}

TEST(Sigsuspend, IgnoredSignalDoesNotEndIt) {
  handled = 0;
  ScopedHandler ignored(SIGUSR2, SIG_IGN);
  ScopedHandler handler(SIGUSR1, Count);
  ScopedBlock block({SIGUSR1});
  pid_t self = getpid();
  Child sender([self] {
    kill(self, SIGUSR2);
    usleep(20000);
    kill(self, SIGUSR1);
  });
  sigset_t none = SignalSet({});
  EXPECT_ERRNO(sigsuspend(&none), EINTR);
  EXPECT_EQ(1, handled);
}

TEST(Sigsuspend, RefusesAWrongSetSize) {
  uint64_t set = 0;
  EXPECT_ERRNO(syscall(SYS_rt_sigsuspend, &set, 4), EINVAL);
}

TEST(Pause, ReturnsEintrAfterAHandler) {
  ScopedHandler handler(SIGUSR1, Count);
  Pester pester(SIGUSR1);
  EXPECT_ERRNO(pause(), EINTR);
}

TEST(Pause, RestartFlagDoesNotApply) {
  ScopedHandler handler(SIGUSR1, Count, SA_RESTART);
  Pester pester(SIGUSR1);
  EXPECT_ERRNO(pause(), EINTR);
}

TEST(Sigtimedwait, TakesAPendingSignal) {
  ScopedBlock block({SIGUSR1});
  sigqueue(getpid(), SIGUSR1, sigval{42});
  sigset_t set = SignalSet({SIGUSR1, SIGUSR2});
  siginfo_t info = {};
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, &info));
  EXPECT_EQ(42, info.si_value.sival_int);
  EXPECT_EQ(SI_QUEUE, info.si_code);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_FALSE(sigismember(&pending, SIGUSR1));
}

TEST(Sigtimedwait, TimesOutWithEagain) {
  ScopedBlock block({SIGUSR1});
  sigset_t set = SignalSet({SIGUSR1});
  timespec zero = {}, little = {0, 1000000};
  EXPECT_ERRNO(sigtimedwait(&set, nullptr, &zero), EAGAIN);
  EXPECT_ERRNO(sigtimedwait(&set, nullptr, &little), EAGAIN);
}

TEST(Sigtimedwait, RefusesABadTimeout) {
  sigset_t set = SignalSet({SIGUSR1});
  timespec bad = {0, 1000000000};
  EXPECT_ERRNO(sigtimedwait(&set, nullptr, &bad), EINVAL);
  bad = {-1, 0};
  EXPECT_ERRNO(sigtimedwait(&set, nullptr, &bad), EINVAL);
}

TEST(Sigtimedwait, AnotherSignalsHandlerGivesEintr) {
  ScopedBlock block({SIGUSR2});
  ScopedHandler handler(SIGUSR1, Count);
  Pester pester(SIGUSR1);
  sigset_t set = SignalSet({SIGUSR2});
  timespec minute = {60, 0};
  EXPECT_ERRNO(syscall(SYS_rt_sigtimedwait, &set, nullptr, &minute, 8), EINTR);
}

TEST(Sigtimedwait, WakesForASignalFromAnotherProcess) {
  ScopedBlock block({SIGUSR1});
  pid_t self = getpid();
  Child child([self] { kill(self, SIGUSR1); });
  sigset_t set = SignalSet({SIGUSR1});
  siginfo_t info = {};
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, &info));
  EXPECT_EQ(child.pid(), info.si_pid);
}

TEST(Sigtimedwait, RealTimeSignalsComeInQueueOrder) {
  ScopedBlock block({SIGRTMIN + 3});
  for (int i = 0; i < 3; ++i) sigqueue(getpid(), SIGRTMIN + 3, sigval{i});
  sigset_t set = SignalSet({SIGRTMIN + 3});
  for (int i = 0; i < 3; ++i) {
    siginfo_t info = {};
    EXPECT_EQ(SIGRTMIN + 3, sigwaitinfo(&set, &info));
    EXPECT_EQ(i, info.si_value.sival_int);
  }
}

// Calls `blocked` while a signal with a handler arrives again and again.
template <typename Call>
void ExpectInterrupted(Call blocked, int flags = 0) {
  ScopedHandler handler(SIGUSR1, Count, flags);
  Pester pester(SIGUSR1);
  EXPECT_ERRNO(blocked(), EINTR);
}

TEST(Interrupted, Read) {
  Pipe pipe;
  char c;
  ExpectInterrupted([&] { return read(pipe.read.get(), &c, 1); });
}

TEST(Interrupted, Write) {
  Pipe pipe;
  std::vector<char> full(static_cast<size_t>(fcntl(pipe.write.get(), F_GETPIPE_SZ)));
  ASSERT_EQ(static_cast<ssize_t>(full.size()), write(pipe.write.get(), full.data(), full.size()));
  ExpectInterrupted([&] { return write(pipe.write.get(), "x", 1); });
}

TEST(Interrupted, Recv) {
  int fds[2];
  ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  Fd a(fds[0]), b(fds[1]);
  char c;
  ExpectInterrupted([&] { return recv(fds[0], &c, 1, 0); });
}

TEST(Interrupted, PollEvenWithRestart) {
  Pipe pipe;
  pollfd p = {pipe.read.get(), POLLIN, 0};
  ExpectInterrupted([&] { return poll(&p, 1, -1); }, SA_RESTART);
}

TEST(Interrupted, SelectEvenWithRestart) {
  Pipe pipe;
  ExpectInterrupted(
      [&] {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(pipe.read.get(), &set);
        return select(pipe.read.get() + 1, &set, nullptr, nullptr, nullptr);
      },
      SA_RESTART);
}

TEST(Interrupted, EpollWaitEvenWithRestart) {
  Fd epoll(epoll_create1(0));
  epoll_event event;
  ExpectInterrupted([&] { return epoll_wait(epoll.get(), &event, 1, -1); }, SA_RESTART);
}

TEST(Interrupted, NanosleepReportsTheRest) {
  timespec left = {};
  timespec hour = {3600, 0};
  ExpectInterrupted([&] { return nanosleep(&hour, &left); }, SA_RESTART);
  EXPECT_GT(left.tv_sec, 3000);
  EXPECT_LE(left.tv_sec, 3600);
}

TEST(Interrupted, FutexWait) {
  int word = 0;
  ExpectInterrupted([&] { return syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, nullptr); });
}

TEST(Interrupted, FutexWaitWithTimeoutEvenWithRestart) {
  int word = 0;
  timespec hour = {3600, 0};
  ExpectInterrupted([&] { return syscall(SYS_futex, &word, 0, 0, &hour); });
}

TEST(Interrupted, Flock) {
  ScopedTempDir dir;
  Fd a(open((dir / "f").c_str(), O_CREAT | O_RDWR, 0600)), b(open((dir / "f").c_str(), O_RDWR));
  ASSERT_OK(flock(a.get(), LOCK_EX));
  ExpectInterrupted([&] { return flock(b.get(), LOCK_EX); });
}

TEST(Interrupted, OpenOfFifo) {
  ScopedTempDir dir;
  ASSERT_OK(mkfifo((dir / "f").c_str(), 0600));
  ExpectInterrupted([&] { return open((dir / "f").c_str(), O_RDONLY); });
}

TEST(Interrupted, Msgrcv) {
  int id = msgget(IPC_PRIVATE, 0600);
  ASSERT_OK(id);
  char buffer[16];
  ExpectInterrupted([&] { return msgrcv(id, buffer, 8, 0, 0); }, SA_RESTART);
  msgctl(id, IPC_RMID, nullptr);
}

// The call is restarted: a child makes it succeed after several interruptions.
TEST(Restarted, Read) {
  handled = 0;
  ScopedHandler handler(SIGUSR1, Count, SA_RESTART);
  Pipe pipe;
  std::thread writer([&, target = pthread_self()] {
    for (int i = 0; i < 20; ++i) {
      pthread_kill(target, SIGUSR1);
      usleep(2000);
    }
    EXPECT_EQ(1, write(pipe.write.get(), "y", 1));
  });
  char c = 0;
  EXPECT_EQ(1, read(pipe.read.get(), &c, 1));
  EXPECT_EQ('y', c);
  writer.join();
  EXPECT_GT(handled, 0);
}

TEST(Restarted, Waitpid) {
  ScopedHandler handler(SIGUSR1, Count, SA_RESTART);
  Event go;
  Child child([&] { go.Wait(); });
  std::thread pester([&, target = pthread_self()] {
    for (int i = 0; i < 20; ++i) {
      pthread_kill(target, SIGUSR1);
      usleep(2000);
    }
    go.Set();
  });
  int status = -1;
  EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, 0));
  EXPECT_EQ(0, status);
  child.Forget();
  pester.join();
}

TEST(Restarted, FutexWait) {
  ScopedHandler handler(SIGUSR1, Count, SA_RESTART);
  std::atomic<int> word{0};
  std::thread waker([&, target = pthread_self()] {
    for (int i = 0; i < 20; ++i) {
      pthread_kill(target, SIGUSR1);
      usleep(2000);
    }
    word = 1;
    syscall(SYS_futex, &word, 1 /* FUTEX_WAKE */, 1);
  });
  long result = syscall(SYS_futex, &word, 0, 0, nullptr);
  EXPECT_TRUE(result == 0 || errno == EAGAIN) << ErrnoText(errno);
  waker.join();
}

TEST(Restarted, IgnoredSignalsNeverInterrupt) {
  ScopedHandler handler(SIGUSR1, SIG_IGN);
  Pipe pipe;
  pollfd p = {pipe.read.get(), POLLIN, 0};
  Pester pester(SIGUSR1);
  EXPECT_EQ(0, poll(&p, 1, 50));
}

TEST(Restarted, StopAndContinueRestartsRead) {
  Pipe in;
  Child child([&] {
    char c = 0;
    EXPECT_EQ(1, read(in.read.get(), &c, 1));
    EXPECT_EQ('z', c);
  });
  for (int i = 0; i < 5; ++i) {
    int status;
    kill(child.pid(), SIGSTOP);
    EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WUNTRACED));
    kill(child.pid(), SIGCONT);
    EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WCONTINUED));
  }
  EXPECT_EQ(1, write(in.write.get(), "z", 1));
  child.ExpectSuccess();
}

TEST(Restarted, StopAndContinueKeepsASleepGoing) {
  Child child([] {
    timespec t = {0, 50000000};
    EXPECT_OK(nanosleep(&t, nullptr));
  });
  kill(child.pid(), SIGSTOP);
  kill(child.pid(), SIGCONT);
  child.ExpectSuccess();
}

void StopWith(int signal) {
  InChild([signal] {
    // A stop signal of the terminal has no effect on an orphaned process group: keep the parent in the session.
    Child child([signal] {
      setpgid(0, 0);
      raise(signal);
      for (;;) pause();
    });
    int status = 0;
    EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WUNTRACED));
    EXPECT_TRUE(WIFSTOPPED(status)) << DescribeStatus(status);
    EXPECT_EQ(signal, WSTOPSIG(status));
    kill(child.pid(), SIGCONT);
    EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WCONTINUED));
    EXPECT_TRUE(WIFCONTINUED(status));
  });
}

TEST(Stop, BySigstop) { StopWith(SIGSTOP); }
TEST(Stop, BySigtstp) { StopWith(SIGTSTP); }
TEST(Stop, BySigttin) { StopWith(SIGTTIN); }
TEST(Stop, BySigttou) { StopWith(SIGTTOU); }

TEST(Stop, TerminalStopIsIgnoredInAnOrphanedGroup) {
  InChild([] {
    setsid();
    raise(SIGTSTP);
  });
}

TEST(Stop, StopsEveryThread) {
  InChild([] {
    auto* counter =
        static_cast<std::atomic<long>*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    Child child([counter] {
      std::thread([counter] {
        for (;;) ++*counter;
      }).detach();
      for (;;) pause();
    });
    while (*counter == 0) usleep(1000);
    kill(child.pid(), SIGSTOP);
    int status;
    EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WUNTRACED));
    long before = *counter;
    usleep(30000);
    EXPECT_EQ(before, *counter);
    kill(child.pid(), SIGCONT);
    while (*counter == before) usleep(1000);
  });
}

TEST(Stop, ContinueDiscardsPendingStops) {
  InChild([] {
    sigset_t set = SignalSet({SIGTSTP});
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGTSTP);
    raise(SIGCONT);
    sigset_t pending;
    sigpending(&pending);
    EXPECT_FALSE(sigismember(&pending, SIGTSTP));
  });
}

TEST(Stop, StopDiscardsPendingContinue) {
  InChild([] {
    sigset_t set = SignalSet({SIGCONT, SIGTSTP});
    sigprocmask(SIG_BLOCK, &set, nullptr);
    raise(SIGCONT);
    raise(SIGTSTP);
    sigset_t pending;
    sigpending(&pending);
    EXPECT_FALSE(sigismember(&pending, SIGCONT));
    EXPECT_TRUE(sigismember(&pending, SIGTSTP));
  });
}

TEST(Stop, ContinueHandlerRuns) {
  InChild([] {
    Child child([] {
      signal(SIGCONT, [](int) { _exit(8); });
      raise(SIGSTOP);
      for (;;) pause();
    });
    int status;
    EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WUNTRACED));
    kill(child.pid(), SIGCONT);
    EXPECT_EQ(8, WEXITSTATUS(child.Wait()));
  });
}

TEST(Stop, KillReachesAStoppedProcess) {
  Child child([] { raise(SIGSTOP); });
  int status;
  EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WUNTRACED));
  kill(child.pid(), SIGTERM);
  kill(child.pid(), SIGKILL);
  EXPECT_EQ(SIGKILL, WTERMSIG(child.Wait()));
}

TEST(Stop, OtherSignalsWaitForContinue) {
  Child child([] { raise(SIGSTOP); });
  int status;
  EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WUNTRACED));
  kill(child.pid(), SIGTERM);
  usleep(20000);
  EXPECT_EQ(0, waitpid(child.pid(), &status, WNOHANG));
  kill(child.pid(), SIGCONT);
  EXPECT_EQ(SIGTERM, WTERMSIG(child.Wait()));
}

sigjmp_buf jump;

TEST(Siglongjmp, OutOfAHandlerRestoresTheMask) {
  ScopedHandler handler(SIGUSR1, [](int) { siglongjmp(jump, 1); });
  for (int i = 0; i < 10; ++i) {
    if (sigsetjmp(jump, 1) == 0) {
      raise(SIGUSR1);
      FAIL() << "the handler did not jump";
    }
    sigset_t mask;
    sigprocmask(SIG_BLOCK, nullptr, &mask);
    EXPECT_FALSE(sigismember(&mask, SIGUSR1));
  }
}

}  // namespace
}  // namespace guest
