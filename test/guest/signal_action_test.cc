// Dispositions, masks, delivery: sigaction, sigprocmask, kill and what a handler sees.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <atomic>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"

namespace guest {
namespace {

std::atomic<int> handled;
siginfo_t last_info;
sigset_t mask_in_handler;
void* stack_in_handler;

void Count(int) { ++handled; }

void Record(int, siginfo_t* info, void*) {
  ++handled;
  last_info = *info;
  pthread_sigmask(SIG_BLOCK, nullptr, &mask_in_handler);
  stack_in_handler = __builtin_frame_address(0);
}

class Signals : public testing::Test {
 protected:
  void SetUp() override {
    handled = 0;
    last_info = {};
    sigemptyset(&mask_in_handler);
  }
};

TEST_F(Signals, HandlerRunsOnRaise) {
  ScopedHandler handler(SIGUSR1, Count);
  EXPECT_OK(raise(SIGUSR1));
  EXPECT_EQ(1, handled);
}

TEST_F(Signals, SigactionReturnsTheOldAction) {
  ScopedHandler handler(SIGUSR1, Record, SA_RESTART);
  struct sigaction old;
  EXPECT_OK(sigaction(SIGUSR1, nullptr, &old));
  EXPECT_EQ(Record, old.sa_sigaction);
  EXPECT_EQ(SA_RESTART | SA_SIGINFO, old.sa_flags & (SA_RESTART | SA_SIGINFO));
}

TEST_F(Signals, KillAndStopCannotBeCaught) {
  struct sigaction action = {};
  action.sa_handler = Count;
  EXPECT_ERRNO(sigaction(SIGKILL, &action, nullptr), EINVAL);
  EXPECT_ERRNO(sigaction(SIGSTOP, &action, nullptr), EINVAL);
  EXPECT_OK(sigaction(SIGKILL, nullptr, &action));
  EXPECT_EQ(SIG_DFL, action.sa_handler);
}

TEST_F(Signals, SigactionRefusesBadNumbers) {
  struct sigaction action = {};
  EXPECT_ERRNO(syscall(SYS_rt_sigaction, 0, nullptr, &action, 8), EINVAL);
  EXPECT_ERRNO(syscall(SYS_rt_sigaction, 65, nullptr, &action, 8), EINVAL);
  EXPECT_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, nullptr, &action, 4), EINVAL);
}

TEST_F(Signals, SigprocmaskRefusesBadHowAndSize) {
  sigset_t set = SignalSet({SIGUSR1});
  EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, 77, &set, nullptr, 8), EINVAL);
  EXPECT_ERRNO(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, nullptr, 16), EINVAL);
  EXPECT_OK(syscall(SYS_rt_sigprocmask, 77, nullptr, &set, 8)) << "how is ignored when only reading";
}

TEST_F(Signals, KillAndStopCannotBeBlocked) {
  InChild([] {
    uint64_t mask = ~0ull;
    ASSERT_OK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, nullptr, 8));
    mask = 0;
    ASSERT_OK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, nullptr, &mask, 8));
    EXPECT_EQ(~((1ull << (SIGKILL - 1)) | (1ull << (SIGSTOP - 1))), mask);
  });
}

TEST_F(Signals, BlockedSignalWaitsUntilUnblocked) {
  ScopedHandler handler(SIGUSR1, Count);
  {
    ScopedBlock block({SIGUSR1});
    raise(SIGUSR1);
    EXPECT_EQ(0, handled);
    sigset_t pending;
    EXPECT_OK(sigpending(&pending));
    EXPECT_TRUE(sigismember(&pending, SIGUSR1));
  }
  EXPECT_EQ(1, handled);
}

TEST_F(Signals, StandardSignalsDoNotQueue) {
  ScopedHandler handler(SIGUSR1, Count);
  {
    ScopedBlock block({SIGUSR1});
    for (int i = 0; i < 5; ++i) raise(SIGUSR1);
  }
  EXPECT_EQ(1, handled);
}

TEST_F(Signals, RealTimeSignalsQueueInOrderWithTheirValues) {
  static std::vector<int> values;
  values.clear();
  ScopedHandler handler(
      SIGRTMIN, [](int, siginfo_t* info, void*) { values.push_back(info->si_value.sival_int); }, 0);
  {
    ScopedBlock block({SIGRTMIN});
    for (int i = 0; i < 5; ++i) EXPECT_OK(sigqueue(getpid(), SIGRTMIN, sigval{i}));
  }
  EXPECT_EQ((std::vector<int>{0, 1, 2, 3, 4}), values);
}

TEST_F(Signals, LowerNumberIsDeliveredFirst) {
  static std::vector<int> order;
  order.clear();
  sigset_t both = SignalSet({SIGRTMIN + 1, SIGRTMIN + 2});
  struct sigaction action = {};
  action.sa_handler = [](int signal) { order.push_back(signal - SIGRTMIN); };
  action.sa_mask = both;
  sigaction(SIGRTMIN + 1, &action, nullptr);
  sigaction(SIGRTMIN + 2, &action, nullptr);
  {
    ScopedBlock block({SIGRTMIN + 1, SIGRTMIN + 2});
    raise(SIGRTMIN + 2);
    raise(SIGRTMIN + 1);
  }
  signal(SIGRTMIN + 1, SIG_DFL);
  signal(SIGRTMIN + 2, SIG_DFL);
  EXPECT_EQ((std::vector<int>{1, 2}), order);
}

TEST_F(Signals, SynchronousSignalsComeBeforeOthers) {
  static std::vector<int> order;
  order.clear();
  struct sigaction action = {};
  action.sa_handler = [](int signal) { order.push_back(signal); };
  sigfillset(&action.sa_mask);
  struct sigaction old_hup, old_segv;
  sigaction(SIGHUP, &action, &old_hup);
  sigaction(SIGSEGV, &action, &old_segv);
  {
    ScopedBlock block({SIGHUP, SIGSEGV});
    raise(SIGHUP);
    raise(SIGSEGV);
  }
  sigaction(SIGHUP, &old_hup, nullptr);
  sigaction(SIGSEGV, &old_segv, nullptr);
  EXPECT_EQ((std::vector<int>{SIGSEGV, SIGHUP}), order);
}

TEST_F(Signals, InfoOfKill) {
  ScopedHandler handler(SIGUSR1, Record, 0);
  kill(getpid(), SIGUSR1);
  EXPECT_EQ(SIGUSR1, last_info.si_signo);
  EXPECT_EQ(SI_USER, last_info.si_code);
  EXPECT_EQ(getpid(), last_info.si_pid);
  EXPECT_EQ(getuid(), last_info.si_uid);
}

TEST_F(Signals, InfoOfTgkill) {
  ScopedHandler handler(SIGUSR1, Record, 0);
  raise(SIGUSR1);
  EXPECT_EQ(SI_TKILL, last_info.si_code);
  EXPECT_EQ(getpid(), last_info.si_pid);
}

TEST_F(Signals, InfoOfSigqueue) {
  ScopedHandler handler(SIGUSR1, Record, 0);
  sigval value;
  value.sival_ptr = reinterpret_cast<void*>(0x1234567890);
  EXPECT_OK(sigqueue(getpid(), SIGUSR1, value));
  EXPECT_EQ(SI_QUEUE, last_info.si_code);
  EXPECT_EQ(value.sival_ptr, last_info.si_value.sival_ptr);
}

TEST_F(Signals, SigqueueinfoRefusesForgedKernelCodesToOthers) {
  Child child([] { pause(); });
  siginfo_t info = {};
  info.si_code = SI_USER;
  EXPECT_ERRNO(syscall(SYS_rt_sigqueueinfo, child.pid(), SIGUSR1, &info), EPERM);
  info.si_code = SI_TKILL;
  EXPECT_ERRNO(syscall(SYS_rt_sigqueueinfo, child.pid(), SIGUSR1, &info), EPERM);
}

TEST_F(Signals, HandlerRunsWithItsSignalAndSaMaskBlocked) {
  struct sigaction action = {}, old;
  action.sa_sigaction = Record;
  action.sa_flags = SA_SIGINFO;
  sigaddset(&action.sa_mask, SIGUSR2);
  ASSERT_OK(sigaction(SIGUSR1, &action, &old));
  raise(SIGUSR1);
  EXPECT_TRUE(sigismember(&mask_in_handler, SIGUSR1));
  EXPECT_TRUE(sigismember(&mask_in_handler, SIGUSR2));
  EXPECT_FALSE(sigismember(&mask_in_handler, SIGHUP));
  sigset_t now;
  sigprocmask(SIG_BLOCK, nullptr, &now);
  EXPECT_FALSE(sigismember(&now, SIGUSR1)) << "the mask is restored";
  sigaction(SIGUSR1, &old, nullptr);
}

TEST_F(Signals, NodeferLeavesItsOwnSignalOpen) {
  ScopedHandler handler(SIGUSR1, Record, SA_NODEFER);
  raise(SIGUSR1);
  EXPECT_FALSE(sigismember(&mask_in_handler, SIGUSR1));
}

TEST_F(Signals, NodeferNests) {
  ScopedHandler handler(
      SIGUSR1,
      [](int) {
        if (++handled < 5) raise(SIGUSR1);
      },
      SA_NODEFER);
  raise(SIGUSR1);
  EXPECT_EQ(5, handled);
}

TEST_F(Signals, ResethandRestoresTheDefault) {
  ScopedHandler handler(SIGUSR1, Record, SA_RESETHAND);
  raise(SIGUSR1);
  struct sigaction action;
  sigaction(SIGUSR1, nullptr, &action);
  EXPECT_EQ(SIG_DFL, action.sa_handler);
}

TEST_F(Signals, MaskChangedInTheFrameTakesEffectOnReturn) {
  ScopedHandler handler(
      SIGUSR1,
      [](int, siginfo_t*, void* context) { sigaddset(&static_cast<ucontext_t*>(context)->uc_sigmask, SIGUSR2); }, 0);
  raise(SIGUSR1);
  sigset_t now;
  sigprocmask(SIG_BLOCK, nullptr, &now);
  EXPECT_TRUE(sigismember(&now, SIGUSR2));
  sigset_t unblock = SignalSet({SIGUSR2});
  sigprocmask(SIG_UNBLOCK, &unblock, nullptr);
}

TEST_F(Signals, IgnoredSignalIsDiscarded) {
  ScopedHandler handler(SIGUSR1, SIG_IGN);
  ScopedBlock block({SIGUSR2});
  raise(SIGUSR1);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_FALSE(sigismember(&pending, SIGUSR1));
}

TEST_F(Signals, IgnoredButBlockedSignalPends) {
  ScopedHandler handler(SIGUSR1, SIG_IGN);
  ScopedBlock block({SIGUSR1});
  raise(SIGUSR1);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_TRUE(sigismember(&pending, SIGUSR1));
}

TEST_F(Signals, SettingToIgnoreDropsThePendingOne) {
  ScopedHandler handler(SIGUSR1, Count);
  ScopedBlock block({SIGUSR1});
  raise(SIGUSR1);
  signal(SIGUSR1, SIG_IGN);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_FALSE(sigismember(&pending, SIGUSR1));
}

TEST_F(Signals, DefaultIgnoredOnesDoNotKill) {
  InChild([] {
    for (int s : {SIGCHLD, SIGURG, SIGWINCH, SIGCONT}) raise(s);
  });
}

TEST_F(Signals, EveryFatalDefaultKillsWithItsNumber) {
  for (int s : {SIGHUP,    SIGINT,  SIGKILL, SIGUSR1, SIGUSR2, SIGPIPE,  SIGALRM, SIGTERM, SIGSTKFLT,
                SIGVTALRM, SIGPROF, SIGIO,   SIGPWR,  SIGQUIT, SIGILL,   SIGTRAP, SIGABRT, SIGBUS,
                SIGFPE,    SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS,  SIGRTMIN, SIGRTMAX}) {
    int status = StatusOf([s] { raise(s); });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == s) << s << ": " << DescribeStatus(status);
  }
}

TEST_F(Signals, KillRefusesBadNumbersAndUnknownTargets) {
  EXPECT_ERRNO(kill(getpid(), 65), EINVAL);
  EXPECT_ERRNO(kill(getpid(), -1), EINVAL);
  EXPECT_ERRNO(kill(0x3ffffff, 0), ESRCH);
  EXPECT_OK(kill(getpid(), 0));
}

TEST_F(Signals, TgkillChecksThreadGroupAndNumbers) {
  EXPECT_ERRNO(syscall(SYS_tgkill, 0, 1, 0), EINVAL);
  EXPECT_ERRNO(syscall(SYS_tgkill, getpid(), -1, 0), EINVAL);
  EXPECT_ERRNO(syscall(SYS_tgkill, getpid(), 0x3ffffff, 0), ESRCH);
  Child child([] { pause(); });
  EXPECT_ERRNO(syscall(SYS_tgkill, getpid(), child.pid(), 0), ESRCH);
  EXPECT_OK(syscall(SYS_tgkill, child.pid(), child.pid(), 0));
  EXPECT_ERRNO(syscall(SYS_tkill, 0, 0), EINVAL);
}

TEST_F(Signals, PermissionToKillFollowsTheUserIds) {
  REQUIRE_ROOT();
  Event ready;
  Child other([&] {
    BecomeUser(kOtherUser, kOtherGroup);
    ready.Set();
    pause();
  });
  ready.Wait();
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(kill(other.pid(), 0), EPERM);
    EXPECT_ERRNO(kill(other.pid(), SIGKILL), EPERM);
  });
  InChildAs(kOtherUser, kOtherGroup, [&] { EXPECT_OK(kill(other.pid(), 0)); });
}

TEST_F(Signals, RealUserIdMatchesSavedUserId) {
  REQUIRE_ROOT();
  Event ready;
  Child other([&] {
    setresuid(0, 0, kUser);
    ready.Set();
    pause();
  });
  ready.Wait();
  InChildAs(kUser, kGroup, [&] { EXPECT_OK(kill(other.pid(), 0)); });
}

TEST_F(Signals, ContinueIsAllowedWithinTheSession) {
  REQUIRE_ROOT();
  Event ready;
  Child other([&] {
    BecomeUser(kOtherUser, kOtherGroup);
    ready.Set();
    pause();
  });
  ready.Wait();
  InChildAs(kUser, kGroup, [&] {
    EXPECT_OK(kill(other.pid(), SIGCONT));
    setsid();
    EXPECT_ERRNO(kill(other.pid(), SIGCONT), EPERM);
  });
}

TEST_F(Signals, ProcessSignalGoesToAThreadThatHasItOpen) {
  InChild([] {
    static std::atomic<pid_t> taker;
    taker = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { taker = static_cast<pid_t>(syscall(SYS_gettid)); };
    sigaction(SIGUSR1, &action, nullptr);
    Event ready;
    std::atomic<bool> stop{false};
    std::atomic<pid_t> tid{0};
    std::thread open_thread([&] {
      tid = static_cast<pid_t>(syscall(SYS_gettid));
      ready.Set();
      while (!stop) usleep(1000);
    });
    ready.Wait();
    ScopedBlock block({SIGUSR1});
    kill(getpid(), SIGUSR1);
    while (taker == 0) usleep(1000);
    EXPECT_EQ(tid, taker);
    stop = true;
    open_thread.join();
  });
}

TEST_F(Signals, ThreadDirectedSignalPendsOnlyThere) {
  ScopedBlock block({SIGUSR1});
  bool pending_there = true;
  raise(SIGUSR1);
  std::thread([&] {
    sigset_t pending;
    sigpending(&pending);
    pending_there = sigismember(&pending, SIGUSR1);
  }).join();
  EXPECT_FALSE(pending_there);
  sigset_t set = SignalSet({SIGUSR1});
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, nullptr));
}

TEST_F(Signals, ProcessDirectedSignalPendsForAllThreads) {
  ScopedBlock block({SIGUSR1});
  bool pending_there = false;
  kill(getpid(), SIGUSR1);
  std::thread([&] {
    sigset_t pending;
    sigpending(&pending);
    pending_there = sigismember(&pending, SIGUSR1);
  }).join();
  EXPECT_TRUE(pending_there);
  sigset_t set = SignalSet({SIGUSR1});
  EXPECT_EQ(SIGUSR1, sigwaitinfo(&set, nullptr));
}

TEST_F(Signals, NewThreadInheritsTheMask) {
  ScopedBlock block({SIGUSR2});
  bool blocked = false;
  std::thread([&] {
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, nullptr, &mask);
    blocked = sigismember(&mask, SIGUSR2);
  }).join();
  EXPECT_TRUE(blocked);
}

class AltStack {
 public:
  AltStack() : memory_(kSize) {
    stack_t stack = {memory_.data(), 0, kSize};
    EXPECT_OK(sigaltstack(&stack, &old_));
  }
  ~AltStack() {
    stack_t none = {nullptr, SS_DISABLE, 0};
    EXPECT_OK(sigaltstack(&none, nullptr));
  }
  bool Contains(void* p) const { return p >= memory_.data() && p < memory_.data() + kSize; }

 private:
  static constexpr size_t kSize = 65536;
  std::vector<char> memory_;
  stack_t old_;
};

TEST_F(Signals, OnstackRunsOnTheAlternateStack) {
  AltStack stack;
  ScopedHandler handler(SIGUSR1, Record, SA_ONSTACK);
  raise(SIGUSR1);
  EXPECT_TRUE(stack.Contains(stack_in_handler));
}

TEST_F(Signals, WithoutOnstackTheAlternateStackIsUnused) {
  AltStack stack;
  ScopedHandler handler(SIGUSR1, Record, 0);
  raise(SIGUSR1);
  EXPECT_FALSE(stack.Contains(stack_in_handler));
}

TEST_F(Signals, AltstackCannotChangeWhileInUse) {
  static int error;
  error = 0;
  AltStack stack;
  ScopedHandler handler(
      SIGUSR1,
      [](int) {
        stack_t now = {};
        sigaltstack(nullptr, &now);
        if (now.ss_flags != SS_ONSTACK) return;
        stack_t none = {nullptr, SS_DISABLE, 0};
        if (sigaltstack(&none, nullptr) != 0) error = errno;
      },
      SA_ONSTACK);
  raise(SIGUSR1);
  EXPECT_EQ(EPERM, error);
}

TEST_F(Signals, AltstackTooSmallIsEnomem) {
  char small[128];
  stack_t stack = {small, 0, sizeof(small)};
  EXPECT_ERRNO(sigaltstack(&stack, nullptr), ENOMEM);
}

TEST_F(Signals, AltstackRefusesUnknownFlags) {
  std::vector<char> memory(65536);
  stack_t stack = {memory.data(), 0x100, memory.size()};
  EXPECT_ERRNO(sigaltstack(&stack, nullptr), EINVAL);
}

TEST_F(Signals, AltstackIsPerThreadAndNotInheritedByThreads) {
  AltStack stack;
  int flags = 0;
  std::thread([&] {
    stack_t now = {};
    sigaltstack(nullptr, &now);
    flags = now.ss_flags;
  }).join();
  EXPECT_EQ(SS_DISABLE, flags);
}

TEST_F(Signals, StackOverflowIsCaughtOnTheAlternateStack) {
  int status = StatusOf([] {
    AltStack stack;
    ScopedHandler handler(
        SIGSEGV, [](int) { _exit(9); }, SA_ONSTACK);
    std::function<int(int)> recurse = [&](int n) -> int {
      volatile char big[4096];
      big[0] = static_cast<char>(n);
      return recurse(n + 1) + big[0];
    };
    recurse(0);
  });
  EXPECT_EQ(9, WEXITSTATUS(status)) << DescribeStatus(status);
}

TEST_F(Signals, UnwritableStackForTheFrameIsAFatalSegv) {
  int status = StatusOf([] {
    stack_t stack = {mmap(nullptr, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 0, 65536};
    sigaltstack(&stack, nullptr);
    ScopedHandler usr(SIGUSR1, Count, SA_ONSTACK);
    raise(SIGUSR1);
  });
  EXPECT_EQ(SIGSEGV, WTERMSIG(status)) << DescribeStatus(status);
}

}  // namespace
}  // namespace guest
