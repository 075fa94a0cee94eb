// Seccomp filters of the application's own (seccomp(2)): every action, what is checked, who inherits them.
#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <atomic>
#include <thread>
#include <vector>

#include "test/guest/support/child.h"
#include "test/guest/support/role.h"
#include "test/guest/support/signals.h"

namespace guest {
namespace {

using Program = std::vector<sock_filter>;

constexpr sock_filter kAllow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
constexpr sock_filter Return(uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }
constexpr sock_filter Load(size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(offset)); }
// The next `skip` instructions run only for equality.
constexpr sock_filter IfEqual(uint32_t value, uint8_t skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip);
}

// `action` for call `number`, all others are allowed.
Program For(long number, uint32_t action) {
  return {Load(offsetof(seccomp_data, nr)), IfEqual(static_cast<uint32_t>(number), 1), Return(action), kAllow};
}
// The same if the low half of argument `index` is `value`.
Program ForArgument(long number, size_t index, uint32_t value, uint32_t action) {
  return {Load(offsetof(seccomp_data, nr)),
          IfEqual(static_cast<uint32_t>(number), 3),
          Load(offsetof(seccomp_data, args) + 8 * index),
          IfEqual(value, 1),
          Return(action),
          kAllow};
}

long Install(const Program& program, unsigned flags = 0) {
  const sock_fprog fprog = {static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &fprog);
}

void MustInstall(const Program& program, unsigned flags = 0) {
  ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  ASSERT_EQ(0, Install(program, flags)) << ErrnoText(errno);
}

int StatusLine(const std::string& key) {
  const std::string status = ReadFile("/proc/thread-self/status");
  const size_t at = status.find("\n" + key + ":");
  return at == std::string::npos ? -1 : atoi(status.c_str() + at + key.size() + 2);
}

uint32_t Errno(int error) { return SECCOMP_RET_ERRNO | static_cast<uint32_t>(error); }

TEST(SeccompFilter, NeedsNoNewPrivilegesOrTheCapability) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    EXPECT_ERRNO(Install({kAllow}), EACCES);
    EXPECT_ERRNO(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 8), EFAULT) << "looked at first";
    ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EXPECT_OK(Install({kAllow}));
  });
  InChild([] {
    REQUIRE_CAPABILITY(CAP_SYS_ADMIN);
    EXPECT_OK(Install({kAllow}));
    EXPECT_EQ(0, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  });
}

TEST(SeccompFilter, ErrnoSkipsTheCall) {
  InChild([] {
    MustInstall(For(SYS_getppid, Errno(EXDEV)));
    EXPECT_ERRNO(syscall(SYS_getppid), EXDEV);
    EXPECT_GT(syscall(SYS_getpid), 0);
    MustInstall(For(SYS_getpgrp, Errno(0)));
    EXPECT_EQ(0, syscall(SYS_getpgrp)) << "no error is success";
    MustInstall(For(SYS_getuid, Errno(0xffff)));
    EXPECT_EQ(-1, syscall(SYS_getuid));
    EXPECT_EQ(4095, errno) << "the greatest there is";
  });
}

TEST(SeccompFilter, SeesNumberArchitectureArgumentsAndAddress) {
  InChild([] {
    MustInstall(ForArgument(SYS_dup, 0, 77, Errno(EXDEV)));
    EXPECT_ERRNO(syscall(SYS_dup, 77), EXDEV);
    EXPECT_ERRNO(syscall(SYS_dup, 78), EBADF);
    Program high = ForArgument(SYS_close, 0, 5, Errno(EXDEV));
    high[2] = Load(offsetof(seccomp_data, args) + 4);
    MustInstall(high);
    EXPECT_ERRNO(syscall(SYS_close, 5ul << 32 | 999), EXDEV);
    EXPECT_ERRNO(syscall(SYS_close, 999), EBADF);
    MustInstall(
        {Load(offsetof(seccomp_data, arch)), IfEqual(AUDIT_ARCH_X86_64, 1), kAllow, Return(SECCOMP_RET_KILL_PROCESS)});
    EXPECT_GT(syscall(SYS_getpid), 0);
    MustInstall({BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IfEqual(sizeof(seccomp_data), 1), kAllow,
                 Return(SECCOMP_RET_KILL_PROCESS)});
  });
}

// A program that computes: 1 for every instruction that there is.
TEST(SeccompFilter, Arithmetic) {
  InChild([] {
    MustInstall({Load(offsetof(seccomp_data, nr)),
                 IfEqual(SYS_getppid, 19),
                 BPF_STMT(BPF_LD | BPF_IMM, 6),
                 BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 4),   // 10
                 BPF_STMT(BPF_ALU | BPF_MUL | BPF_K, 10),  // 100
                 BPF_STMT(BPF_ALU | BPF_SUB | BPF_K, 1),   // 99
                 BPF_STMT(BPF_ST, 3),
                 BPF_STMT(BPF_LDX | BPF_MEM, 3),
                 BPF_STMT(BPF_LD | BPF_IMM, 1000),
                 BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),  // 10
                 BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 4),  // 160
                 BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 1),  // 80
                 BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 5),   // 85
                 BPF_STMT(BPF_ALU | BPF_XOR | BPF_K, 4),  // 81
                 BPF_STMT(BPF_ALU | BPF_NEG, 0),
                 BPF_STMT(BPF_ALU | BPF_NEG, 0),
                 BPF_STMT(BPF_MISC | BPF_TAX, 0),
                 BPF_STMT(BPF_MISC | BPF_TXA, 0),
                 BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x7f),  // 81
                 BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO),
                 BPF_STMT(BPF_RET | BPF_A, 0),
                 kAllow});
    EXPECT_ERRNO(syscall(SYS_getppid), 81);
  });
}

TEST(SeccompFilter, DivisionByZeroKillsTheThread) {
  EXPECT_EQ(SIGSYS, WTERMSIG(StatusOf([] {
              MustInstall({Load(offsetof(seccomp_data, nr)), IfEqual(SYS_getppid, 3), BPF_STMT(BPF_LDX | BPF_IMM, 0),
                           BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), kAllow, kAllow});
              syscall(SYS_getppid);
            })));
}

TEST(SeccompFilter, BadProgramsAreRefused) {
  InChild([] {
    ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    const Program bad[] = {
        {Load(0)},                                         // no return
        {Load(64), kAllow},                                // beyond the data
        {Load(2), kAllow},                                 // not aligned
        {BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), kAllow},   // half a word
        {BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), kAllow},   // indirect
        {BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), kAllow},  // of packets
        {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<uint32_t>(SKF_AD_OFF)), kAllow},
        {BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), kAllow},  // not for seccomp
        {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), kAllow},
        {BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), kAllow},
        {BPF_STMT(BPF_LD | BPF_MEM, 16), kAllow},
        {BPF_STMT(BPF_LD | BPF_MEM, 0), kAllow},  // never stored
        {BPF_STMT(BPF_ST, 16), kAllow},
        {BPF_STMT(BPF_JMP | BPF_JA, 1), kAllow},  // out of the program
        {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), kAllow},
        {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), kAllow},
        {BPF_STMT(BPF_RET | BPF_X, 0)},
        {BPF_STMT(0xffff, 0), kAllow},
        // Stored on one of two ways only.
        {Load(0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0), BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_LD | BPF_MEM, 0),
         kAllow},
        Program(BPF_MAXINSNS + 1, kAllow),
        {},
    };
    int index = 0;
    for (const Program& program : bad) EXPECT_ERRNO(Install(program), EINVAL) << index++;
    const sock_fprog unreadable = {3, reinterpret_cast<sock_filter*>(8)};
    EXPECT_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &unreadable), EFAULT);
    EXPECT_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, nullptr), EFAULT);
    EXPECT_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1u << 30, nullptr), EINVAL);
    EXPECT_ERRNO(prctl(PR_SET_SECCOMP, 3, nullptr), EINVAL);
    EXPECT_OK(Install(Program(BPF_MAXINSNS, kAllow)));
  });
}

TEST(SeccompFilter, TooManyInstructionsAreEnomem) {
  InChild([] {
    ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    const Program longest(BPF_MAXINSNS, kAllow);
    int installed = 0;
    while (installed < 100 && Install(longest) == 0) ++installed;
    EXPECT_ERRNO(Install(longest), ENOMEM);
    EXPECT_LT(installed, 100);
    EXPECT_GT(installed, 2);
  });
}

siginfo_t trapped;
long trapped_rax;

void OnTrap(int, siginfo_t* info, void* context) {
  trapped = *info;
  trapped_rax = static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX];
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RAX] = 4711;
}

TEST(SeccompFilter, TrapSendsSigsys) {
  InChild([] {
    ScopedHandler handler(SIGSYS, OnTrap, SA_RESTART);
    MustInstall(For(SYS_getppid, SECCOMP_RET_TRAP | 99));
    EXPECT_EQ(4711, syscall(SYS_getppid)) << "what the handler has put there";
    EXPECT_EQ(SIGSYS, trapped.si_signo);
    EXPECT_EQ(1 /* SYS_SECCOMP */, trapped.si_code);
    EXPECT_EQ(99, trapped.si_errno);
    EXPECT_EQ(SYS_getppid, trapped.si_syscall);
    EXPECT_EQ(AUDIT_ARCH_X86_64, trapped.si_arch);
    EXPECT_NE(nullptr, trapped.si_call_addr);
    EXPECT_EQ(SYS_getppid, trapped_rax) << "as before the call";
  });
}

TEST(SeccompFilter, TrapCannotBeBlockedOrIgnored) {
  EXPECT_EQ(SIGSYS, WTERMSIG(StatusOf([] {
              MustInstall(For(SYS_getppid, SECCOMP_RET_TRAP));
              signal(SIGSYS, SIG_IGN);
              syscall(SYS_getppid);
            })));
  EXPECT_EQ(SIGSYS, WTERMSIG(StatusOf([] {
              ScopedHandler handler(SIGSYS, OnTrap, 0);
              ScopedBlock block({SIGSYS});
              MustInstall(For(SYS_getppid, SECCOMP_RET_TRAP));
              syscall(SYS_getppid);
            })));
}

TEST(SeccompFilter, KillThreadEndsOnlyThatThread) {
  EXPECT_EQ(SIGSYS, WTERMSIG(StatusOf([] {
              MustInstall(For(SYS_getppid, SECCOMP_RET_KILL_THREAD));
              syscall(SYS_getppid);
            })));
  InChild([] {
    pthread_t thread;
    std::atomic<bool> survived{false};
    ASSERT_EQ(0, pthread_create(
                     &thread, nullptr,
                     [](void* flag) -> void* {
                       MustInstall(For(SYS_getppid, SECCOMP_RET_KILL_THREAD));
                       syscall(SYS_getppid);
                       *static_cast<std::atomic<bool>*>(flag) = true;
                       return nullptr;
                     },
                     &survived));
    pthread_join(thread, nullptr);
    EXPECT_FALSE(survived);
  });
}

TEST(SeccompFilter, KillProcessEndsAllThreads) {
  EXPECT_EQ(SIGSYS, WTERMSIG(StatusOf([] {
              ScopedHandler handler(SIGSYS, OnTrap, 0);
              std::thread([] {
                MustInstall(For(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
                syscall(SYS_getppid);
              }).detach();
              for (;;) pause();
            })));
  EXPECT_EQ(SIGSYS, WTERMSIG(StatusOf([] {
              MustInstall(For(SYS_getppid, 0x12340000));  // an action that nobody knows
              syscall(SYS_getppid);
            })));
}

TEST(SeccompFilter, TraceWithoutATracerIsEnosysAndLogAllows) {
  InChild([] {
    MustInstall(For(SYS_getpgrp, SECCOMP_RET_TRACE | 5));
    EXPECT_ERRNO(syscall(SYS_getpgrp), ENOSYS);
    MustInstall(For(SYS_getppid, SECCOMP_RET_LOG), SECCOMP_FILTER_FLAG_LOG);
    EXPECT_GT(syscall(SYS_getppid), 0);
    MustInstall(For(SYS_getuid, SECCOMP_RET_USER_NOTIF));
    EXPECT_ERRNO(syscall(SYS_getuid), ENOSYS) << "nobody listens";
  });
}

TEST(SeccompFilter, TheStrictestOfSeveralWins) {
  InChild([] {
    MustInstall(For(SYS_getppid, Errno(EXDEV)));
    MustInstall(For(SYS_getppid, SECCOMP_RET_ALLOW));
    EXPECT_ERRNO(syscall(SYS_getppid), EXDEV);
    MustInstall(For(SYS_getppid, Errno(EDOM)));
    EXPECT_ERRNO(syscall(SYS_getppid), EDOM) << "the newest of equals";
    ScopedHandler handler(SIGSYS, OnTrap, 0);
    MustInstall(For(SYS_getppid, SECCOMP_RET_TRAP | 3));
    EXPECT_EQ(4711, syscall(SYS_getppid));
    EXPECT_EQ(3, trapped.si_errno);
  });
}

TEST(SeccompFilter, AreInheritedAndShown) {
  InChild([] {
    const int before = StatusLine("Seccomp_filters");
    MustInstall(For(SYS_getsid, Errno(EXDEV)));
    MustInstall(For(SYS_getpgrp, Errno(EDOM)));
    EXPECT_EQ(SECCOMP_MODE_FILTER, prctl(PR_GET_SECCOMP));
    EXPECT_EQ(SECCOMP_MODE_FILTER, StatusLine("Seccomp"));
    EXPECT_EQ(before + 2, StatusLine("Seccomp_filters"));
    InChild([] { EXPECT_ERRNO(syscall(SYS_getpgrp), EDOM); });
    std::thread([] { EXPECT_ERRNO(syscall(SYS_getsid, 0), EXDEV); }).join();
  });
}

GUEST_ROLE(seccomp_denied) {
  errno = 0;
  const long result = syscall(SYS_getppid);
  return result == -1 && errno == EXDEV ? 0 : 1;
}

TEST(SeccompFilter, OutlivesExecve) {
  EXPECT_EQ(0, WEXITSTATUS(StatusOf([] {
              MustInstall(For(SYS_getppid, Errno(EXDEV)));
              ExecRole("seccomp_denied");
            })));
  EXPECT_EQ(0, WEXITSTATUS(StatusOf([] {
              MustInstall(For(SYS_getppid, Errno(EXDEV)));
              MustInstall(ForArgument(SYS_futex, 0, 12345, Errno(EXDEV)));
              ExecRole("seccomp_denied");
            })));
}

// Calls that a sandbox may leave to its host: the application's filter comes first all the same.
TEST(SeccompFilter, FutexCanBeDenied) {
  InChild([] {
    int word = 0;
    EXPECT_EQ(0, syscall(SYS_futex, &word, FUTEX_WAKE, 1));
    MustInstall(ForArgument(SYS_futex, 1, FUTEX_WAKE, Errno(EXDEV)));
    EXPECT_ERRNO(syscall(SYS_futex, &word, FUTEX_WAKE, 1), EXDEV);
    EXPECT_EQ(0, syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1));
    EXPECT_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT, 1, nullptr), EAGAIN);
    InChild([&] { EXPECT_ERRNO(syscall(SYS_futex, &word, FUTEX_WAKE, 1), EXDEV); });
    MustInstall(For(SYS_futex, Errno(EDOM)));
    EXPECT_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT, 1, nullptr), EDOM);
  });
}

TEST(SeccompFilter, ArchPrctlCanBeDenied) {
  InChild([] {
    unsigned long base = 0;
    ASSERT_OK(syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &base));
    ASSERT_OK(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, base));
    MustInstall(ForArgument(SYS_arch_prctl, 0, 0x1001, Errno(EXDEV)));
    EXPECT_ERRNO(syscall(SYS_arch_prctl, 0x1001, base), EXDEV);
    EXPECT_OK(syscall(SYS_arch_prctl, 0x1004, &base));
  });
}

TEST(SeccompFilter, FilteredAndUnfilteredThreadsWakeEachOther) {
  InChild([] {
    std::atomic<int> word{0};
    std::atomic<int> rounds{0};
    const auto call = [&word](int operation, int value) {
      return syscall(SYS_futex, &word, operation | FUTEX_PRIVATE_FLAG, value, nullptr, nullptr, 0);
    };
    const auto play = [&](int own) {
      while (rounds < 200) {
        while (word != own && rounds < 200) call(FUTEX_WAIT, 1 - own);
        word = 1 - own;
        ++rounds;
        call(FUTEX_WAKE, 2);
      }
    };
    std::thread filtered([&] {
      MustInstall(ForArgument(SYS_futex, 1, 4711, Errno(EXDEV)));
      play(1);
    });
    play(0);
    filtered.join();
    EXPECT_GE(rounds, 200);
  });
}

TEST(SeccompFilter, FilteredWaitsTimeOutAndAreInterrupted) {
  InChild([] {
    MustInstall(ForArgument(SYS_futex, 1, 4711, Errno(EXDEV)));
    int word = 0;
    const timespec soon = {0, 2'000'000};
    EXPECT_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT, 0, &soon), ETIMEDOUT);
    {
      ScopedHandler handler(SIGUSR1, IgnoreSignal, 0);
      Pester pester(SIGUSR1);
      EXPECT_ERRNO(syscall(SYS_futex, &word, FUTEX_WAIT, 0, nullptr), EINTR);
    }
    ScopedHandler handler(SIGUSR1, IgnoreSignal, SA_RESTART);
    Pester pester(SIGUSR1);
    std::atomic<int> shared{0};
    std::thread waker([&] {
      usleep(30'000);
      shared = 1;
      syscall(SYS_futex, &shared, FUTEX_WAKE, 1);
    });
    while (shared == 0) {
      const long result = syscall(SYS_futex, &shared, FUTEX_WAIT, 0, nullptr);
      EXPECT_TRUE(result == 0 || errno == EAGAIN) << ErrnoText(errno);
    }
    waker.join();
  });
}

TEST(SeccompFilter, ThreadsCanBeMadeUnderAFilterOfFutexes) {
  InChild([] {
    MustInstall(ForArgument(SYS_futex, 1, 4711, Errno(EXDEV)));
    for (int i = 0; i < 20; ++i) {
      int result = 0;
      std::thread([&] { result = i; }).join();
      EXPECT_EQ(i, result);
    }
  });
}

TEST(SeccompFilter, SynchronisesAllThreads) {
  InChild([] {
    std::atomic<int> step{0};
    std::thread other([&] {
      step = 1;
      while (step != 2) sched_yield();
      EXPECT_ERRNO(syscall(SYS_getppid), EXDEV);
      EXPECT_EQ(1, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    });
    while (step != 1) sched_yield();
    MustInstall(For(SYS_getppid, Errno(EXDEV)), SECCOMP_FILTER_FLAG_TSYNC);
    step = 2;
    other.join();
  });
}

TEST(SeccompFilter, SynchronisationFailsForAThreadWithOthers) {
  InChild([] {
    std::atomic<int> step{0};
    pid_t tid = 0;
    std::thread other([&] {
      tid = static_cast<pid_t>(syscall(SYS_gettid));
      MustInstall(For(SYS_getpgrp, Errno(EDOM)));
      step = 1;
      while (step != 2) sched_yield();
      EXPECT_GT(syscall(SYS_getppid), 0);
    });
    while (step != 1) sched_yield();
    ASSERT_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    EXPECT_EQ(tid, Install(For(SYS_getppid, Errno(EXDEV)), SECCOMP_FILTER_FLAG_TSYNC));
    EXPECT_ERRNO(Install(For(SYS_getppid, Errno(EXDEV)), SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH),
                 ESRCH);
    EXPECT_GT(syscall(SYS_getppid), 0) << "nothing was installed";
    step = 2;
    other.join();
  });
}

TEST(SeccompFilter, ActionsCanBeAskedFor) {
  for (uint32_t action : {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO,
                          SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW})
    EXPECT_OK(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action)) << action;
  uint32_t unknown = 0x12340000;
  EXPECT_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &unknown), EOPNOTSUPP);
  EXPECT_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &unknown), EINVAL);
  EXPECT_ERRNO(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, nullptr), EFAULT);
}

TEST(SeccompStrict, LeavesReadWriteAndExit) {
  EXPECT_EQ(9, WEXITSTATUS(StatusOf([] {
              Pipe pipe;
              char byte = 'x';
              if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) _exit(1);
              const bool works = write(pipe.write.get(), &byte, 1) == 1 && read(pipe.read.get(), &byte, 1) == 1;
              syscall(SYS_exit, works ? 9 : 2);
            })));
  for (long number : {SYS_getpid, SYS_exit_group, SYS_futex, SYS_arch_prctl, SYS_prctl})
    EXPECT_EQ(SIGKILL, WTERMSIG(StatusOf([&] {
                if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) _exit(1);
                syscall(number, 0, 0, 0, 0, 0, 0);
              })))
        << number;
}

TEST(SeccompStrict, AndFiltersExcludeEachOther) {
  InChild([] {
    MustInstall({kAllow});
    EXPECT_ERRNO(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT), EINVAL);
    EXPECT_ERRNO(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, nullptr), EINVAL);
  });
}

}  // namespace
}  // namespace guest
