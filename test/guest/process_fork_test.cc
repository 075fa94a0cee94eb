// fork, vfork, clone and clone3: what is shared, what is copied, which flags are refused.
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

// A shared page for results of children that share nothing else.
class SharedInt {
 public:
  SharedInt()
      : value_(static_cast<int*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~SharedInt() { munmap(value_, 4096); }
  int& operator*() { return *value_; }
  int* get() { return value_; }

 private:
  int* value_;
};

class CloneStack {
 public:
  void* top() { return memory_ + sizeof(memory_); }

 private:
  alignas(16) char memory_[65536];
};

int WaitFor(pid_t pid, int options = 0) {
  int status = -1;
  EXPECT_EQ(pid, waitpid(pid, &status, options));
  return status;
}

long Clone3(clone_args* args, size_t size = sizeof(clone_args)) { return syscall(SYS_clone3, args, size); }

TEST(Fork, ReturnsZeroInChildAndPidInParent) {
  SharedInt child_pid;
  pid_t pid = fork();
  if (pid == 0) {
    *child_pid = getpid();
    _exit(0);
  }
  ASSERT_OK(pid);
  EXPECT_EQ(0, WaitFor(pid));
  EXPECT_EQ(pid, *child_pid);
}

TEST(Fork, ChildSeesParentAsGetppid) {
  pid_t parent = getpid();
  InChild([&] { EXPECT_EQ(parent, getppid()); });
}

TEST(Fork, ChildIsLeaderOfItsOwnThreadGroup) {
  InChild([] { EXPECT_EQ(getpid(), syscall(SYS_gettid)); });
}

TEST(Fork, ChildInheritsProcessGroupAndSession) {
  pid_t group = getpgrp(), session = getsid(0);
  InChild([&] {
    EXPECT_EQ(group, getpgrp());
    EXPECT_EQ(session, getsid(0));
  });
}

TEST(Fork, MemoryIsCopiedNotShared) {
  volatile int value = 1;
  InChild([&] { value = 2; });
  EXPECT_EQ(1, value);
}

TEST(Fork, DescriptorTableIsCopied) {
  Fd fd(open("/dev/null", O_RDONLY));
  InChild([&] { EXPECT_OK(close(fd.get())); });
  EXPECT_TRUE(IsOpen(fd.get()));
}

TEST(Fork, FileOffsetIsShared) {
  ScopedTempDir dir;
  Fd fd(open((dir / "f").c_str(), O_RDWR | O_CREAT, 0600));
  InChild([&] { EXPECT_EQ(3, write(fd.get(), "abc", 3)); });
  EXPECT_EQ(3, lseek(fd.get(), 0, SEEK_CUR));
}

TEST(Fork, PendingSignalsAreNotInherited) {
  ScopedBlock block({SIGUSR1});
  raise(SIGUSR1);
  InChild([] {
    sigset_t pending;
    EXPECT_OK(sigpending(&pending));
    EXPECT_FALSE(sigismember(&pending, SIGUSR1));
  });
  sigset_t set = SignalSet({SIGUSR1});
  timespec zero = {};
  EXPECT_EQ(SIGUSR1, sigtimedwait(&set, nullptr, &zero));
}

TEST(Fork, SignalMaskAndDispositionsAreInherited) {
  ScopedBlock block({SIGUSR2});
  ScopedHandler handler(SIGUSR1, SIG_IGN);
  InChild([] {
    sigset_t mask;
    EXPECT_OK(sigprocmask(SIG_BLOCK, nullptr, &mask));
    EXPECT_TRUE(sigismember(&mask, SIGUSR2));
    struct sigaction action;
    EXPECT_OK(sigaction(SIGUSR1, nullptr, &action));
    EXPECT_EQ(SIG_IGN, action.sa_handler);
  });
}

TEST(Fork, IntervalTimersAreNotInherited) {
  InChild([] {
    itimerval timer = {{0, 0}, {1000, 0}};
    ASSERT_OK(setitimer(ITIMER_REAL, &timer, nullptr));
    InChild([] {
      itimerval got = {{1, 1}, {1, 1}};
      EXPECT_OK(getitimer(ITIMER_REAL, &got));
      EXPECT_EQ(0, got.it_value.tv_sec);
      EXPECT_EQ(0, got.it_value.tv_usec);
    });
  });
}

TEST(Fork, OnlyTheCallingThreadExistsInTheChild) {
  Event stop;
  std::thread other([&] { stop.Wait(); });
  InChild([] {
    std::string status = ReadFile("/proc/self/status");
    EXPECT_NE(std::string::npos, status.find("Threads:\t1\n")) << status;
  });
  stop.Set();
  other.join();
}

TEST(Fork, FromSecondThreadHasTheProcessAsParent) {
  pid_t process = getpid();
  std::thread([&] {
    pid_t pid = fork();
    if (pid == 0) _exit(getppid() == process ? 0 : 1);
    EXPECT_EQ(0, WaitFor(pid));
  }).join();
}

TEST(Fork, NestedTenDeep) {
  std::function<void(int)> nest = [&](int depth) {
    if (depth > 0) InChild([&] { nest(depth - 1); });
  };
  nest(10);
}

TEST(Fork, ManyChildrenAtOnceHaveDistinctPids) {
  std::vector<pid_t> pids;
  for (int i = 0; i < 50; ++i) {
    pid_t pid = fork();
    if (pid == 0) _exit(i);
    ASSERT_OK(pid);
    for (pid_t other : pids) EXPECT_NE(other, pid);
    pids.push_back(pid);
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(i, WEXITSTATUS(WaitFor(pids[i])));
}

TEST(Vfork, ParentResumesAfterChildExits) {
  SharedInt order;
  pid_t pid = vfork();
  if (pid == 0) {
    *order = 1;
    _exit(7);
  }
  EXPECT_EQ(1, *order);
  EXPECT_EQ(7, WEXITSTATUS(WaitFor(pid)));
}

TEST(Vfork, ChildSharesMemory) {
  static volatile int value;
  value = 1;
  pid_t pid = vfork();
  if (pid == 0) {
    value = 2;
    _exit(0);
  }
  EXPECT_EQ(2, value);
  WaitFor(pid);
}

TEST(Vfork, DescriptorTableIsNotShared) {
  Fd fd(open("/dev/null", O_RDONLY));
  pid_t pid = vfork();
  if (pid == 0) {
    close(fd.get());
    _exit(0);
  }
  EXPECT_TRUE(IsOpen(fd.get()));
  WaitFor(pid);
}

TEST(Vfork, ParentResumesAfterFailedExecAndExit) {
  pid_t pid = vfork();
  if (pid == 0) {
    execl("/nonexistent", "x", nullptr);
    _exit(errno == ENOENT ? 42 : 1);
  }
  EXPECT_EQ(42, WEXITSTATUS(WaitFor(pid)));
}

TEST(Vfork, ParentResumesWhenChildIsKilled) {
  pid_t pid = vfork();
  if (pid == 0) {
    kill(getpid(), SIGKILL);
    _exit(0);
  }
  int status = WaitFor(pid);
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

int StoreOne(void* p) {
  *static_cast<int*>(p) = 1;
  return 5;
}

TEST(Clone, WithVmSharesMemory) {
  CloneStack stack;
  int value = 0;
  int pid = clone(StoreOne, stack.top(), CLONE_VM | SIGCHLD, &value);
  ASSERT_OK(pid);
  EXPECT_EQ(5, WEXITSTATUS(WaitFor(pid)));
  EXPECT_EQ(1, value);
}

TEST(Clone, WithoutVmCopiesMemory) {
  CloneStack stack;
  int value = 0;
  int pid = clone(StoreOne, stack.top(), SIGCHLD, &value);
  ASSERT_OK(pid);
  WaitFor(pid);
  EXPECT_EQ(0, value);
}

TEST(Clone, FilesSharesDescriptorTable) {
  CloneStack stack;
  int fd = open("/dev/null", O_RDONLY);
  int pid = clone([](void* p) { return close(*static_cast<int*>(p)); }, stack.top(), CLONE_FILES | SIGCHLD, &fd);
  ASSERT_OK(pid);
  EXPECT_EQ(0, WaitFor(pid));
  EXPECT_ERRNO(fcntl(fd, F_GETFD), EBADF);
}

TEST(Clone, FsSharesCwdAndUmask) {
  InChild([] {
    CloneStack stack;
    int pid = clone(
        [](void*) {
          umask(0777);
          return chdir("/dev");
        },
        stack.top(), CLONE_FS | SIGCHLD, nullptr);
    ASSERT_OK(pid);
    EXPECT_EQ(0, WaitFor(pid));
    char cwd[64];
    EXPECT_STREQ("/dev", getcwd(cwd, sizeof(cwd)));
    EXPECT_EQ(0777u, umask(0));
  });
}

TEST(Clone, WithoutFsCopiesCwdAndUmask) {
  InChild([] {
    ASSERT_OK(chdir("/"));
    InChild([] {
      ASSERT_OK(chdir("/dev"));
      umask(0777);
    });
    char cwd[64];
    EXPECT_STREQ("/", getcwd(cwd, sizeof(cwd)));
    EXPECT_EQ(022u, umask(0));
  });
}

TEST(Clone, SighandSharesDispositions) {
  InChild([] {
    CloneStack stack;
    int pid = clone([](void*) { return signal(SIGUSR1, SIG_IGN) == SIG_ERR ? 1 : 0; }, stack.top(),
                    CLONE_VM | CLONE_SIGHAND | SIGCHLD, nullptr);
    ASSERT_OK(pid);
    EXPECT_EQ(0, WaitFor(pid));
    struct sigaction action;
    EXPECT_OK(sigaction(SIGUSR1, nullptr, &action));
    EXPECT_EQ(SIG_IGN, action.sa_handler);
  });
}

TEST(Clone, ClearSighandResetsHandlersButKeepsIgnored) {
  InChild([] {
    signal(SIGUSR1, IgnoreSignal);
    signal(SIGUSR2, SIG_IGN);
    clone_args args = {};
    args.flags = CLONE_CLEAR_SIGHAND;
    args.exit_signal = SIGCHLD;
    long pid = Clone3(&args);
    ASSERT_OK(pid);
    if (pid == 0) {
      struct sigaction one, two;
      sigaction(SIGUSR1, nullptr, &one);
      sigaction(SIGUSR2, nullptr, &two);
      _exit((one.sa_handler == SIG_DFL ? 0 : 1) | (two.sa_handler == SIG_IGN ? 0 : 2));
    }
    EXPECT_EQ(0, WaitFor(pid));
  });
}

TEST(Clone, ParentSettidStoresBeforeReturning) {
  pid_t stored = 0;
  long pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, &stored, 0, 0);
  if (pid == 0) _exit(0);
  EXPECT_EQ(pid, stored);
  WaitFor(pid);
}

TEST(Clone, ChildSettidStoresInTheChild) {
  pid_t stored = 0;
  long pid = syscall(SYS_clone, CLONE_CHILD_SETTID | SIGCHLD, 0, 0, &stored, 0);
  if (pid == 0) _exit(stored == getpid() ? 0 : 1);
  EXPECT_EQ(0, WaitFor(pid));
  EXPECT_EQ(0, stored);
}

TEST(Clone, ChildCleartidClearsAndWakesOnExit) {
  CloneStack stack;
  SharedInt tid;
  *tid = -1;
  int pid = clone([](void*) { return 0; }, stack.top(), CLONE_CHILD_CLEARTID | CLONE_VM | SIGCHLD, nullptr, nullptr,
                  nullptr, tid.get());
  ASSERT_OK(pid);
  while (__atomic_load_n(tid.get(), __ATOMIC_ACQUIRE) == -1) syscall(SYS_futex, tid.get(), 0, -1, nullptr);
  EXPECT_EQ(0, *tid);
  WaitFor(pid);
}

TEST(Clone, ExitSignalOtherThanSigchldIsDelivered) {
  ScopedBlock block({SIGUSR1});
  long pid = syscall(SYS_clone, SIGUSR1, 0, 0, 0, 0);
  if (pid == 0) _exit(3);
  ASSERT_OK(pid);
  sigset_t set = SignalSet({SIGUSR1});
  siginfo_t info = {};
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, &info));
  EXPECT_EQ(pid, info.si_pid);
  EXPECT_EQ(CLD_EXITED, info.si_code);
  EXPECT_EQ(3, info.si_status);
  EXPECT_EQ(3, WEXITSTATUS(WaitFor(pid, __WCLONE)));
}

TEST(Clone, ChildWithoutSigchldIsInvisibleToPlainWait) {
  long pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
  if (pid == 0) _exit(3);
  ASSERT_OK(pid);
  EXPECT_ERRNO(waitpid(pid, nullptr, 0), ECHILD);
  EXPECT_EQ(3, WEXITSTATUS(WaitFor(pid, __WALL)));
}

TEST(Clone, ParentFlagMakesASibling) {
  InChild([] {
    pid_t grandparent = getpid();
    Pipe pipe;
    Child middle([&] {
      long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
      if (pid == 0) _exit(getppid() == grandparent ? 9 : 1);
      int p = static_cast<int>(pid);
      EXPECT_EQ(static_cast<ssize_t>(sizeof(p)), write(pipe.write.get(), &p, sizeof(p)));
      EXPECT_ERRNO(waitpid(p, nullptr, 0), ECHILD);
    });
    int sibling = 0;
    ASSERT_EQ(static_cast<ssize_t>(sizeof(sibling)), read(pipe.read.get(), &sibling, sizeof(sibling)));
    EXPECT_EQ(9, WEXITSTATUS(WaitFor(sibling)));
    middle.ExpectSuccess();
  });
}

TEST(Clone, SighandWithoutVmIsRefused) {
  EXPECT_ERRNO(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0), EINVAL);
}

TEST(Clone, ThreadWithoutSighandIsRefused) {
  EXPECT_ERRNO(syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0), EINVAL);
}

TEST(Clone, NewNamespaceWithSharedFsIsRefused) {
  EXPECT_ERRNO(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0), EINVAL);
}

TEST(Clone3, ForksLikeFork) {
  clone_args args = {};
  args.exit_signal = SIGCHLD;
  long pid = Clone3(&args);
  if (pid == 0) _exit(11);
  ASSERT_OK(pid);
  EXPECT_EQ(11, WEXITSTATUS(WaitFor(pid)));
}

TEST(Clone3, PidfdRefersToTheChild) {
  int pidfd = -1;
  clone_args args = {};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<uint64_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  long pid = Clone3(&args);
  if (pid == 0) _exit(12);
  ASSERT_OK(pid);
  Fd owned(pidfd);
  EXPECT_EQ(FD_CLOEXEC, fcntl(pidfd, F_GETFD));
  siginfo_t info = {};
  EXPECT_OK(waitid(P_PIDFD, pidfd, &info, WEXITED));
  EXPECT_EQ(pid, info.si_pid);
  EXPECT_EQ(12, info.si_status);
}

TEST(Clone3, RefusesTooSmallAStructure) {
  clone_args args = {};
  EXPECT_ERRNO(Clone3(&args, CLONE_ARGS_SIZE_VER0 - 1), EINVAL);
}

TEST(Clone3, AcceptsALargerStructureOfZeroes) {
  struct {
    clone_args args;
    char extra[64];
  } big = {};
  big.args.exit_signal = SIGCHLD;
  long pid = Clone3(&big.args, sizeof(big));
  if (pid == 0) _exit(0);
  ASSERT_OK(pid);
  EXPECT_EQ(0, WaitFor(pid));
}

TEST(Clone3, RefusesALargerStructureWithUnknownContent) {
  struct {
    clone_args args;
    char extra[64];
  } big = {};
  big.args.exit_signal = SIGCHLD;
  big.extra[63] = 1;
  EXPECT_ERRNO(Clone3(&big.args, sizeof(big)), E2BIG);
}

TEST(Clone3, RefusesAHugeStructure) {
  std::vector<char> page(8192);
  EXPECT_ERRNO(Clone3(reinterpret_cast<clone_args*>(page.data()), page.size()), E2BIG);
}

TEST(Clone3, RefusesABadPointer) { EXPECT_ERRNO(Clone3(nullptr), EFAULT); }

TEST(Clone3, RefusesUnknownFlags) {
  clone_args args = {};
  args.flags = 1ull << 62;
  args.exit_signal = SIGCHLD;
  EXPECT_ERRNO(Clone3(&args), EINVAL);
}

TEST(Clone3, RefusesExitSignalOutOfRange) {
  clone_args args = {};
  args.exit_signal = 0x1ff;
  EXPECT_ERRNO(Clone3(&args), EINVAL);
}

TEST(Clone3, RefusesStackWithoutSize) {
  clone_args args = {};
  args.exit_signal = SIGCHLD;
  args.stack = 0x10000;
  EXPECT_ERRNO(Clone3(&args), EINVAL);
  args.stack = 0;
  args.stack_size = 4096;
  EXPECT_ERRNO(Clone3(&args), EINVAL);
}

TEST(Clone3, RefusesExitSignalForAThread) {
  clone_args args = {};
  args.flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD;
  args.exit_signal = SIGCHLD;
  EXPECT_ERRNO(Clone3(&args), EINVAL);
}

TEST(Clone3, RefusesClearSighandWithSharedSighand) {
  clone_args args = {};
  args.flags = CLONE_VM | CLONE_SIGHAND | CLONE_CLEAR_SIGHAND;
  args.exit_signal = SIGCHLD;
  EXPECT_ERRNO(Clone3(&args), EINVAL);
}

TEST(Clone3, SetTidWithoutItsSizeIsRefused) {
  clone_args args = {};
  pid_t tid = 1;
  args.exit_signal = SIGCHLD;
  args.set_tid = reinterpret_cast<uint64_t>(&tid);
  EXPECT_ERRNO(Clone3(&args), EINVAL);
}

TEST(Threads, HaveTheProcessPidAndTheirOwnTid) {
  pid_t pid = 0, tid = 0;
  std::thread([&] {
    pid = getpid();
    tid = static_cast<pid_t>(syscall(SYS_gettid));
  }).join();
  EXPECT_EQ(getpid(), pid);
  EXPECT_NE(pid, tid);
}

TEST(Threads, TlsIsPerThread) {
  static thread_local int value = 1;
  value = 2;
  int seen = 0;
  std::thread([&] { seen = value; }).join();
  EXPECT_EQ(1, seen);
  EXPECT_EQ(2, value);
}

TEST(Threads, AreNotWaitableByTheirProcess) {
  Event stop;
  std::thread other([&] { stop.Wait(); });
  EXPECT_ERRNO(waitpid(-1, nullptr, WNOHANG | __WALL), ECHILD);
  stop.Set();
  other.join();
}

TEST(Threads, OneHundredJoin) {
  std::atomic<int> count{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 100; ++i) threads.emplace_back([&] { ++count; });
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(100, count);
}

TEST(SetTidAddress, ReturnsTheTid) {
  InChild([] {
    int unused = 0;
    EXPECT_EQ(syscall(SYS_gettid), syscall(SYS_set_tid_address, &unused));
  });
}

}  // namespace
}  // namespace guest
