// Descriptors that stand for kernel objects: eventfd, timerfd, signalfd, pidfd, memfd with seals.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

short Poll(int fd, short events = POLLIN, int timeout = 0) {
  pollfd p = {fd, events, 0};
  EXPECT_OK(poll(&p, 1, timeout));
  return p.revents;
}

uint64_t ReadCount(int fd) {
  uint64_t value = 0;
  EXPECT_EQ(8, read(fd, &value, sizeof(value)));
  return value;
}

void Add(int fd, uint64_t value) { EXPECT_EQ(8, write(fd, &value, sizeof(value))); }

TEST(Eventfd, ReadTakesTheSum) {
  Fd fd(eventfd(3, EFD_NONBLOCK));
  Add(fd.get(), 4);
  EXPECT_EQ(7u, ReadCount(fd.get()));
  uint64_t value;
  EXPECT_ERRNO(read(fd.get(), &value, 8), EAGAIN);
}

TEST(Eventfd, SemaphoreTakesOne) {
  Fd fd(eventfd(2, EFD_NONBLOCK | EFD_SEMAPHORE));
  EXPECT_EQ(1u, ReadCount(fd.get()));
  EXPECT_EQ(1u, ReadCount(fd.get()));
  uint64_t value;
  EXPECT_ERRNO(read(fd.get(), &value, 8), EAGAIN);
}

TEST(Eventfd, OverflowBlocksOrIsEagain) {
  Fd fd(eventfd(0, EFD_NONBLOCK));
  uint64_t all = ~0ull;
  EXPECT_ERRNO(write(fd.get(), &all, 8), EINVAL);
  Add(fd.get(), ~0ull - 1);
  uint64_t one = 1;
  EXPECT_ERRNO(write(fd.get(), &one, 8), EAGAIN);
  EXPECT_EQ(POLLIN, Poll(fd.get(), POLLIN | POLLOUT));
  EXPECT_EQ(~0ull - 1, ReadCount(fd.get()));
  EXPECT_EQ(POLLOUT, Poll(fd.get(), POLLIN | POLLOUT));
}

TEST(Eventfd, SizesAndFlags) {
  Fd fd(eventfd(0, 0));
  uint32_t small = 1;
  EXPECT_ERRNO(write(fd.get(), &small, 4), EINVAL);
  EXPECT_ERRNO(read(fd.get(), &small, 4), EINVAL);
  EXPECT_ERRNO(eventfd(0, 0x100), EINVAL);
}

TEST(Eventfd, BlockingReadWakes) {
  Fd fd(eventfd(0, EFD_CLOEXEC));
  std::thread writer([&] {
    usleep(5000);
    Add(fd.get(), 5);
  });
  EXPECT_EQ(5u, ReadCount(fd.get()));
  writer.join();
}

TEST(Eventfd, IsSharedByFork) {
  Fd fd(eventfd(0, 0));
  InChild([&] { Add(fd.get(), 9); });
  EXPECT_EQ(9u, ReadCount(fd.get()));
}

itimerspec Timer(long first_ms, long interval_ms = 0) {
  auto spec = [](long ms) { return timespec{ms / 1000, ms % 1000 * 1000000}; };
  return {spec(interval_ms), spec(first_ms)};
}

TEST(Timerfd, ExpiresOnce) {
  Fd fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  uint64_t value;
  EXPECT_ERRNO(read(fd.get(), &value, 8), EAGAIN);
  itimerspec spec = Timer(2);
  ASSERT_OK(timerfd_settime(fd.get(), 0, &spec, nullptr));
  EXPECT_EQ(POLLIN, Poll(fd.get(), POLLIN, -1));
  EXPECT_EQ(1u, ReadCount(fd.get()));
  EXPECT_ERRNO(read(fd.get(), &value, 8), EAGAIN);
  EXPECT_OK(timerfd_gettime(fd.get(), &spec));
  EXPECT_EQ(0, spec.it_value.tv_nsec + spec.it_value.tv_sec);
}

TEST(Timerfd, IntervalCountsExpirations) {
  Fd fd(timerfd_create(CLOCK_MONOTONIC, 0));
  itimerspec spec = Timer(1, 1);
  ASSERT_OK(timerfd_settime(fd.get(), 0, &spec, nullptr));
  usleep(20000);
  EXPECT_GE(ReadCount(fd.get()), 10u);
  EXPECT_GE(ReadCount(fd.get()), 1u);
}

TEST(Timerfd, AbsoluteInThePastIsReadyAtOnce) {
  for (int clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    Fd fd(timerfd_create(clock, 0));
    itimerspec spec = {{0, 0}, {1, 0}};
    ASSERT_OK(timerfd_settime(fd.get(), TFD_TIMER_ABSTIME, &spec, nullptr));
    EXPECT_EQ(1u, ReadCount(fd.get()));
  }
}

TEST(Timerfd, SettimeReturnsTheOldValueAndDisarms) {
  Fd fd(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  itimerspec spec = Timer(1000000, 5), zero = {}, old = {};
  ASSERT_OK(timerfd_settime(fd.get(), 0, &spec, nullptr));
  ASSERT_OK(timerfd_settime(fd.get(), 0, &zero, &old));
  EXPECT_GT(old.it_value.tv_sec, 900);
  EXPECT_EQ(5000000, old.it_interval.tv_nsec);
  EXPECT_EQ(0, Poll(fd.get()));
}

TEST(Timerfd, Errors) {
  EXPECT_ERRNO(timerfd_create(99, 0), EINVAL);
  EXPECT_ERRNO(timerfd_create(CLOCK_MONOTONIC, 0x100), EINVAL);
  EXPECT_ERRNO(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
  Fd fd(timerfd_create(CLOCK_MONOTONIC, 0));
  itimerspec spec = {{0, 0}, {0, 1000000000}};
  EXPECT_ERRNO(timerfd_settime(fd.get(), 0, &spec, nullptr), EINVAL);
  spec = Timer(1);
  EXPECT_ERRNO(timerfd_settime(fd.get(), 0x100, &spec, nullptr), EINVAL);
  EXPECT_ERRNO(timerfd_settime(0, 0, &spec, nullptr), EINVAL);
  uint32_t small;
  EXPECT_ERRNO(read(fd.get(), &small, 4), EINVAL);
  EXPECT_ERRNO(write(fd.get(), "12345678", 8), EINVAL);
}

TEST(Signalfd, ReadsPendingSignals) {
  ScopedBlock block({SIGUSR1, SIGUSR2});
  sigset_t set = SignalSet({SIGUSR1, SIGUSR2});
  Fd fd(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
  signalfd_siginfo info[4] = {};
  EXPECT_ERRNO(read(fd.get(), info, sizeof(info)), EAGAIN);
  EXPECT_EQ(0, Poll(fd.get()));
  sigqueue(getpid(), SIGUSR1, sigval{11});
  kill(getpid(), SIGUSR2);
  EXPECT_EQ(POLLIN, Poll(fd.get()));
  ASSERT_EQ(static_cast<ssize_t>(2 * sizeof(info[0])), read(fd.get(), info, sizeof(info)));
  EXPECT_EQ(static_cast<uint32_t>(SIGUSR1), info[0].ssi_signo);
  EXPECT_EQ(11, info[0].ssi_int);
  EXPECT_EQ(SI_QUEUE, info[0].ssi_code);
  EXPECT_EQ(static_cast<uint32_t>(getpid()), info[0].ssi_pid);
  EXPECT_EQ(static_cast<uint32_t>(SIGUSR2), info[1].ssi_signo);
  EXPECT_EQ(0, Poll(fd.get()));
}

TEST(Signalfd, ChildExitIsReported) {
  ScopedBlock block({SIGCHLD});
  sigset_t set = SignalSet({SIGCHLD});
  Fd fd(signalfd(-1, &set, 0));
  Child child([] { _exit(3); });
  signalfd_siginfo info = {};
  ASSERT_EQ(static_cast<ssize_t>(sizeof(info)), read(fd.get(), &info, sizeof(info)));
  EXPECT_EQ(static_cast<uint32_t>(child.pid()), info.ssi_pid);
  EXPECT_EQ(3, info.ssi_status);
  child.Wait();
}

TEST(Signalfd, MaskCanBeChanged) {
  ScopedBlock block({SIGUSR1, SIGUSR2});
  sigset_t one = SignalSet({SIGUSR1}), two = SignalSet({SIGUSR2});
  Fd fd(signalfd(-1, &one, SFD_NONBLOCK));
  EXPECT_EQ(fd.get(), signalfd(fd.get(), &two, 0));
  raise(SIGUSR1);
  signalfd_siginfo info;
  EXPECT_ERRNO(read(fd.get(), &info, sizeof(info)), EAGAIN);
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&one, nullptr));
}

TEST(Signalfd, Errors) {
  sigset_t set = SignalSet({SIGUSR1});
  EXPECT_ERRNO(signalfd(0, &set, 0), EINVAL);
  EXPECT_ERRNO(signalfd(-1, &set, 0x100), EINVAL);
  EXPECT_ERRNO(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
  Fd fd(signalfd(-1, &set, 0));
  char small[8];
  EXPECT_ERRNO(read(fd.get(), small, 8), EINVAL);
}

int PidfdOpen(pid_t pid, unsigned flags = 0) { return static_cast<int>(syscall(SYS_pidfd_open, pid, flags)); }

TEST(Pidfd, PollsWhenTheProcessEnds) {
  Event go;
  Child child([&] { go.Wait(); });
  Fd fd(PidfdOpen(child.pid()));
  EXPECT_EQ(FD_CLOEXEC, fcntl(fd.get(), F_GETFD));
  EXPECT_EQ(0, Poll(fd.get()));
  go.Set();
  EXPECT_EQ(POLLIN, Poll(fd.get(), POLLIN, -1) & POLLIN);
  child.ExpectSuccess();
}

TEST(Pidfd, SendsSignalsAndWaits) {
  Child child([] { pause(); });
  Fd fd(PidfdOpen(child.pid()));
  EXPECT_OK(syscall(SYS_pidfd_send_signal, fd.get(), 0, nullptr, 0));
  EXPECT_OK(syscall(SYS_pidfd_send_signal, fd.get(), SIGTERM, nullptr, 0));
  siginfo_t info = {};
  EXPECT_OK(waitid(P_PIDFD, fd.get(), &info, WEXITED));
  child.Forget();
  EXPECT_EQ(SIGTERM, info.si_status);
  EXPECT_ERRNO(syscall(SYS_pidfd_send_signal, fd.get(), 0, nullptr, 0), ESRCH);
}

TEST(Pidfd, DirectoriesOfProcCanBeSignalledToo) {
  Child child([] { pause(); });
  const std::string path = "/proc/" + std::to_string(child.pid());
  Fd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY));
  Fd thread(open((path + "/task/" + std::to_string(child.pid())).c_str(), O_RDONLY | O_DIRECTORY));
  EXPECT_ERRNO(syscall(SYS_pidfd_send_signal, thread.get(), 0, nullptr, 0), EBADF);
  EXPECT_OK(syscall(SYS_pidfd_send_signal, fd.get(), 0, nullptr, 0));
  EXPECT_OK(syscall(SYS_pidfd_send_signal, fd.get(), SIGTERM, nullptr, 0));
  int status = 0;
  EXPECT_OK(waitpid(child.pid(), &status, 0));
  child.Forget();
  EXPECT_EQ(SIGTERM, WTERMSIG(status));
  EXPECT_ERRNO(syscall(SYS_pidfd_send_signal, fd.get(), 0, nullptr, 0), ESRCH);
}

TEST(Pidfd, Errors) {
  EXPECT_ERRNO(PidfdOpen(0), EINVAL);
  EXPECT_ERRNO(PidfdOpen(-1), EINVAL);
  EXPECT_ERRNO(PidfdOpen(0x3ffffff), ESRCH);
  EXPECT_ERRNO(PidfdOpen(getpid(), 0x100), EINVAL);
  EXPECT_ERRNO(syscall(SYS_pidfd_send_signal, 0, 0, nullptr, 0), EBADF);
}

TEST(Pidfd, GetfdTakesADescriptor) {
  Event ready;
  ScopedTempDir dir;
  Child child([&] {
    Fd file(open((dir / "f").c_str(), O_CREAT | O_RDWR, 0600));
    dup2(file.get(), 50);
    ready.Set();
    pause();
  });
  ready.Wait();
  Fd fd(PidfdOpen(child.pid()));
  Fd taken(static_cast<int>(syscall(SYS_pidfd_getfd, fd.get(), 50, 0)));
  ASSERT_TRUE(taken.valid()) << ErrnoText(errno);
  EXPECT_EQ(1, write(taken.get(), "x", 1));
  EXPECT_EQ("x", ReadFile(dir / "f"));
  EXPECT_ERRNO(syscall(SYS_pidfd_getfd, fd.get(), 51, 0), EBADF);
  EXPECT_ERRNO(syscall(SYS_pidfd_getfd, fd.get(), 50, 1), EINVAL);
}

TEST(Memfd, IsAnUnlinkedFile) {
  Fd fd(memfd_create("name", MFD_CLOEXEC));
  struct stat s;
  ASSERT_OK(fstat(fd.get(), &s));
  EXPECT_TRUE(S_ISREG(s.st_mode));
  EXPECT_EQ(0u, s.st_nlink);
  EXPECT_EQ(0, s.st_size);
  EXPECT_EQ(0777u, s.st_mode & 0777);
  char target[64] = {};
  EXPECT_OK(readlink(("/proc/self/fd/" + std::to_string(fd.get())).c_str(), target, 63));
  EXPECT_STREQ("/memfd:name (deleted)", target);
  EXPECT_EQ(3, write(fd.get(), "abc", 3));
  EXPECT_EQ(1, lseek(fd.get(), 1, SEEK_SET));
  EXPECT_EQ("bc", ReadAll(fd.get()));
}

TEST(Memfd, Errors) {
  EXPECT_ERRNO(memfd_create("x", 0x1000), EINVAL);
  EXPECT_ERRNO(memfd_create(std::string(250, 'x').c_str(), 0), EINVAL);
  EXPECT_ERRNO(syscall(SYS_memfd_create, nullptr, 0), EFAULT);
}

class Seals : public testing::Test {
 protected:
  void SetUp() override {
    fd_.Reset(memfd_create("sealed", MFD_ALLOW_SEALING | MFD_CLOEXEC));
    ASSERT_OK(ftruncate(fd(), 4096));
  }
  int fd() const { return fd_.get(); }
  Fd fd_;
};

TEST_F(Seals, StartEmptyAndAccumulate) {
  EXPECT_EQ(0, fcntl(fd(), F_GET_SEALS) & ~0x20);
  EXPECT_OK(fcntl(fd(), F_ADD_SEALS, F_SEAL_GROW));
  EXPECT_OK(fcntl(fd(), F_ADD_SEALS, F_SEAL_SHRINK));
  EXPECT_EQ(F_SEAL_GROW | F_SEAL_SHRINK, fcntl(fd(), F_GET_SEALS) & ~0x20);
  EXPECT_ERRNO(fcntl(fd(), F_ADD_SEALS, 0x1000), EINVAL);
}

TEST_F(Seals, GrowAndShrink) {
  EXPECT_OK(fcntl(fd(), F_ADD_SEALS, F_SEAL_GROW));
  EXPECT_ERRNO(ftruncate(fd(), 8192), EPERM);
  EXPECT_ERRNO(pwrite(fd(), "x", 1, 4096), EPERM);
  EXPECT_EQ(1, pwrite(fd(), "x", 1, 0));
  EXPECT_OK(ftruncate(fd(), 4000));
  EXPECT_OK(fcntl(fd(), F_ADD_SEALS, F_SEAL_SHRINK));
  EXPECT_ERRNO(ftruncate(fd(), 100), EPERM);
}

TEST_F(Seals, Write) {
  EXPECT_OK(fcntl(fd(), F_ADD_SEALS, F_SEAL_WRITE));
  EXPECT_ERRNO(pwrite(fd(), "x", 1, 0), EPERM);
  EXPECT_ERRNO(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0), EPERM);
  void* p = mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd(), 0);
  EXPECT_OK(p);
  EXPECT_ERRNO(mprotect(p, 4096, PROT_READ | PROT_WRITE), EACCES);
  munmap(p, 4096);
}

TEST_F(Seals, WriteIsRefusedWhileMappedWritable) {
  void* p = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0);
  EXPECT_ERRNO(fcntl(fd(), F_ADD_SEALS, F_SEAL_WRITE), EBUSY);
  munmap(p, 4096);
  EXPECT_OK(fcntl(fd(), F_ADD_SEALS, F_SEAL_WRITE));
}

TEST_F(Seals, FutureWriteKeepsOldMappings) {
  char* p = static_cast<char*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0));
  EXPECT_OK(fcntl(fd(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
  p[0] = 'x';
  EXPECT_ERRNO(pwrite(fd(), "y", 1, 0), EPERM);
  EXPECT_ERRNO(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd(), 0), EPERM);
  munmap(p, 4096);
}

TEST_F(Seals, SealSealsTheSeals) {
  EXPECT_OK(fcntl(fd(), F_ADD_SEALS, F_SEAL_SEAL));
  EXPECT_ERRNO(fcntl(fd(), F_ADD_SEALS, F_SEAL_GROW), EPERM);
}

TEST_F(Seals, NeedAllowSealingAndAMemfd) {
  Fd plain(memfd_create("plain", 0));
  EXPECT_EQ(F_SEAL_SEAL, fcntl(plain.get(), F_GET_SEALS) & ~0x20);
  EXPECT_ERRNO(fcntl(plain.get(), F_ADD_SEALS, F_SEAL_GROW), EPERM);
  Pipe pipe;
  EXPECT_ERRNO(fcntl(pipe.read.get(), F_GET_SEALS), EINVAL);
}

}  // namespace
}  // namespace guest
