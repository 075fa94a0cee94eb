// exit, exit_group, wait4, waitid, zombies, usage of resources and reparenting.
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"

namespace guest {
namespace {

char StateOf(pid_t pid) {
  std::string stat = ReadFile("/proc/" + std::to_string(pid) + "/stat");
  size_t end = stat.rfind(')');
  return end == std::string::npos ? '?' : stat[end + 2];
}

void WaitUntilZombie(pid_t pid) {
  siginfo_t info;
  EXPECT_OK(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT));
}

TEST(Exit, StatusKeepsTheLowEightBits) {
  EXPECT_EQ(0x34, WEXITSTATUS(StatusOf([] { _exit(0x1234); })));
  EXPECT_EQ(255, WEXITSTATUS(StatusOf([] { _exit(-1); })));
}

TEST(Exit, KilledChildReportsTheSignal) {
  int status = StatusOf([] { raise(SIGTERM); });
  EXPECT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(SIGTERM, WTERMSIG(status));
  EXPECT_FALSE(WCOREDUMP(status));
}

TEST(ExitGroup, EndsAllThreads) {
  EXPECT_EQ(17, WEXITSTATUS(StatusOf([] {
              for (int i = 0; i < 5; ++i) std::thread([] { pause(); }).detach();
              _exit(17);
            })));
}

TEST(ExitGroup, FromASecondThreadSetsTheStatus) {
  EXPECT_EQ(18, WEXITSTATUS(StatusOf([] {
              std::thread([] { _exit(18); }).detach();
              for (;;) pause();
            })));
}

TEST(Exit, LastThreadDecidesTheStatusAfterTheLeaderLeft) {
  // The plain exit system call ends one thread only.
  int status = StatusOf([] {
    pid_t leader = getpid();
    std::thread([leader] {
      while (StateOf(leader) != 'Z') usleep(1000);
      _exit(21);
    }).detach();
    syscall(SYS_exit, 20);
  });
  EXPECT_EQ(21, WEXITSTATUS(status));
}

TEST(Exit, LastPlainExitDecidesTheStatusOfTheProcess) {
  int status = StatusOf([] {
    pid_t leader = getpid();
    std::thread([leader] {
      while (StateOf(leader) != 'Z') usleep(1000);
      syscall(SYS_exit, 21);
    }).detach();
    syscall(SYS_exit, 20);
  });
  EXPECT_EQ(21, WEXITSTATUS(status));
}

TEST(Exit, FatalSignalKillsEveryThread) {
  int status = StatusOf([] {
    std::thread([] { pause(); }).detach();
    std::thread([] { kill(getpid(), SIGKILL); }).detach();
    for (;;) pause();
  });
  EXPECT_EQ(SIGKILL, WTERMSIG(status));
}

TEST(Wait4, EchildWithoutChildren) {
  InChild([] {
    EXPECT_ERRNO(wait(nullptr), ECHILD);
    EXPECT_ERRNO(waitpid(-1, nullptr, WNOHANG), ECHILD);
    EXPECT_ERRNO(waitpid(getpid(), nullptr, 0), ECHILD);
    EXPECT_ERRNO(waitpid(1, nullptr, 0), ECHILD);
  });
}

TEST(Wait4, RefusesUnknownOptions) { EXPECT_ERRNO(waitpid(-1, nullptr, 0x40), EINVAL); }

TEST(Wait4, RefusesTheMostNegativePid) { EXPECT_ERRNO(waitpid(INT32_MIN, nullptr, 0), ESRCH); }

TEST(Wait4, NohangReturnsZeroWhileTheChildRuns) {
  Child child([] { pause(); });
  int status = 77;
  EXPECT_EQ(0, waitpid(child.pid(), &status, WNOHANG));
  EXPECT_EQ(77, status);
}

TEST(Wait4, ReapsOnlyOnce) {
  Child child([] {});
  pid_t pid = child.pid();
  child.ExpectSuccess();
  EXPECT_ERRNO(waitpid(pid, nullptr, 0), ECHILD);
}

TEST(Wait4, AnyChildReapsAll) {
  InChild([] {
    int sum = 0;
    for (int i = 1; i <= 3; ++i) {
      if (fork() == 0) _exit(i);
    }
    int status;
    while (wait(&status) > 0) sum += WEXITSTATUS(status);
    EXPECT_EQ(6, sum);
    EXPECT_EQ(ECHILD, errno);
  });
}

TEST(Wait4, ByProcessGroup) {
  InChild([] {
    pid_t grouped = fork();
    if (grouped == 0) _exit(setpgid(0, 0) == 0 ? 4 : 1);
    setpgid(grouped, grouped);
    pid_t plain = fork();
    if (plain == 0) _exit(5);
    int status;
    EXPECT_EQ(grouped, waitpid(-grouped, &status, 0));
    EXPECT_ERRNO(waitpid(-grouped, &status, 0), ECHILD);
    EXPECT_EQ(plain, waitpid(0, &status, 0));
    EXPECT_EQ(5, WEXITSTATUS(status));
  });
}

TEST(Wait4, NullStatusAndUsageAreAccepted) {
  Child child([] {});
  pid_t pid = child.pid();
  EXPECT_EQ(pid, wait4(pid, nullptr, 0, nullptr));
  child.Forget();
}

TEST(Wait4, UsageOfChildIsFilled) {
  Child child([] {
    volatile char* memory = new char[8 << 20];
    for (int i = 0; i < (8 << 20); i += 4096) memory[i] = 1;
  });
  rusage usage = {};
  int status;
  pid_t pid = child.pid();
  EXPECT_EQ(pid, wait4(pid, &status, 0, &usage));
  child.Forget();
  EXPECT_GT(usage.ru_maxrss, 4096);
}

TEST(Wait4, OtherThreadsOfTheProcessMayWait) {
  Child child([] {});
  std::thread([&] { child.ExpectSuccess(); }).join();
}

TEST(Wait4, NothreadWaitsOnlyForOwnChildren) {
  pid_t pid = 0;
  Event made, tried;
  std::thread other([&] {
    pid = fork();
    if (pid == 0) _exit(0);
    made.Set();
    tried.Wait();
    EXPECT_EQ(pid, waitpid(pid, nullptr, __WNOTHREAD));
  });
  made.Wait();
  EXPECT_ERRNO(waitpid(pid, nullptr, __WNOTHREAD), ECHILD);
  tried.Set();
  other.join();
}

TEST(Wait4, InterruptedByHandlerGivesEintr) {
  Child child([] { pause(); });
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  Pester pester(SIGUSR1);
  EXPECT_ERRNO(waitpid(child.pid(), nullptr, 0), EINTR);
}

TEST(Wait4, StoppedAndContinuedAreReported) {
  Child child([] {
    for (;;) pause();
  });
  int status;
  kill(child.pid(), SIGSTOP);
  EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WUNTRACED));
  EXPECT_TRUE(WIFSTOPPED(status));
  EXPECT_EQ(SIGSTOP, WSTOPSIG(status));
  EXPECT_EQ(0, waitpid(child.pid(), &status, WUNTRACED | WNOHANG)) << "a stop is reported once";
  kill(child.pid(), SIGCONT);
  EXPECT_EQ(child.pid(), waitpid(child.pid(), &status, WCONTINUED));
  EXPECT_TRUE(WIFCONTINUED(status));
  EXPECT_EQ(0, waitpid(child.pid(), &status, WCONTINUED | WNOHANG));
}

TEST(Wait4, PlainWaitIgnoresStops) {
  Child child([] {
    for (;;) pause();
  });
  kill(child.pid(), SIGSTOP);
  siginfo_t info;
  EXPECT_OK(waitid(P_PID, child.pid(), &info, WSTOPPED | WNOWAIT));
  EXPECT_EQ(0, waitpid(child.pid(), nullptr, WNOHANG));
}

TEST(Waitid, FillsSiginfoForExit) {
  Child child([] { _exit(33); });
  siginfo_t info = {};
  EXPECT_OK(waitid(P_PID, child.pid(), &info, WEXITED));
  EXPECT_EQ(SIGCHLD, info.si_signo);
  EXPECT_EQ(CLD_EXITED, info.si_code);
  EXPECT_EQ(33, info.si_status);
  EXPECT_EQ(child.pid(), info.si_pid);
  EXPECT_EQ(getuid(), info.si_uid);
  child.Forget();
}

TEST(Waitid, FillsSiginfoForKill) {
  Child child([] { pause(); });
  kill(child.pid(), SIGKILL);
  siginfo_t info = {};
  EXPECT_OK(waitid(P_PID, child.pid(), &info, WEXITED));
  EXPECT_EQ(CLD_KILLED, info.si_code);
  EXPECT_EQ(SIGKILL, info.si_status);
  child.Forget();
}

TEST(Waitid, FillsSiginfoForStopAndContinue) {
  Child child([] {
    for (;;) pause();
  });
  siginfo_t info = {};
  kill(child.pid(), SIGSTOP);
  EXPECT_OK(waitid(P_PID, child.pid(), &info, WSTOPPED));
  EXPECT_EQ(CLD_STOPPED, info.si_code);
  EXPECT_EQ(SIGSTOP, info.si_status);
  kill(child.pid(), SIGCONT);
  EXPECT_OK(waitid(P_PID, child.pid(), &info, WCONTINUED));
  EXPECT_EQ(CLD_CONTINUED, info.si_code);
  EXPECT_EQ(SIGCONT, info.si_status);
}

TEST(Waitid, NowaitLeavesTheZombie) {
  Child child([] {});
  siginfo_t info = {};
  EXPECT_OK(waitid(P_PID, child.pid(), &info, WEXITED | WNOWAIT));
  EXPECT_OK(waitid(P_PID, child.pid(), &info, WEXITED | WNOWAIT));
  child.ExpectSuccess();
}

TEST(Waitid, NohangWithoutEventZeroesPid) {
  Child child([] { pause(); });
  siginfo_t info;
  memset(&info, 0xff, sizeof(info));
  EXPECT_EQ(0, waitid(P_PID, child.pid(), &info, WEXITED | WNOHANG));
  EXPECT_EQ(0, info.si_pid);
  EXPECT_EQ(0, info.si_signo);
}

TEST(Waitid, NeedsAtLeastOneKindOfEvent) { EXPECT_ERRNO(waitid(P_ALL, 0, nullptr, WNOHANG), EINVAL); }

TEST(Waitid, RefusesUnknownIdTypeAndOptions) {
  siginfo_t info;
  EXPECT_ERRNO(waitid(static_cast<idtype_t>(99), 0, &info, WEXITED), EINVAL);
  EXPECT_ERRNO(waitid(P_ALL, 0, &info, WEXITED | 0x40), EINVAL);
  EXPECT_ERRNO(waitid(P_PID, 0, &info, WEXITED), EINVAL);
}

TEST(Waitid, EchildForStrangers) {
  siginfo_t info;
  EXPECT_ERRNO(waitid(P_PID, static_cast<id_t>(getpid()), &info, WEXITED), ECHILD);
}

TEST(Waitid, AcceptsNullInfo) {
  Child child([] {});
  EXPECT_OK(waitid(P_PID, child.pid(), nullptr, WEXITED));
  child.Forget();
}

TEST(Waitid, RawCallFillsUsage) {
  Child child([] {});
  siginfo_t info = {};
  rusage usage;
  memset(&usage, 0xff, sizeof(usage));
  EXPECT_EQ(0, syscall(SYS_waitid, P_PID, child.pid(), &info, WEXITED, &usage));
  child.Forget();
  EXPECT_GE(usage.ru_utime.tv_sec, 0);
  EXPECT_LT(usage.ru_utime.tv_usec, 1000000);
}

TEST(Zombie, HasStateZAndAcceptsSignals) {
  Child child([] {});
  WaitUntilZombie(child.pid());
  EXPECT_EQ('Z', StateOf(child.pid()));
  EXPECT_OK(kill(child.pid(), 0));
  EXPECT_OK(kill(child.pid(), SIGKILL));
  child.ExpectSuccess();
}

TEST(Zombie, IsGoneAfterReaping) {
  Child child([] {});
  pid_t pid = child.pid();
  child.ExpectSuccess();
  EXPECT_ERRNO(kill(pid, 0), ESRCH);
}

TEST(Zombie, NotMadeWhenSigchldIsIgnored) {
  InChild([] {
    signal(SIGCHLD, SIG_IGN);
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    EXPECT_ERRNO(waitpid(pid, nullptr, 0), ECHILD);
    EXPECT_ERRNO(kill(pid, 0), ESRCH);
  });
}

TEST(Zombie, NotMadeWithNocldwait) {
  InChild([] {
    ScopedHandler handler(SIGCHLD, IgnoreSignal, SA_NOCLDWAIT | SA_RESTART);
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    EXPECT_ERRNO(waitpid(pid, nullptr, 0), ECHILD);
  });
}

TEST(Sigchld, CarriesTheChildsFate) {
  ScopedBlock block({SIGCHLD});
  Child child([] { _exit(6); });
  sigset_t set = SignalSet({SIGCHLD});
  siginfo_t info = {};
  EXPECT_EQ(SIGCHLD, sigwaitinfo(&set, &info));
  EXPECT_EQ(CLD_EXITED, info.si_code);
  EXPECT_EQ(child.pid(), info.si_pid);
  EXPECT_EQ(6, info.si_status);
  child.Wait();
}

TEST(Sigchld, NocldstopSilencesStops) {
  InChild([] {
    static std::atomic<int> count;
    count = 0;
    ScopedHandler handler(
        SIGCHLD, [](int) { ++count; }, SA_NOCLDSTOP | SA_RESTART);
    Child child([] {
      for (;;) pause();
    });
    kill(child.pid(), SIGSTOP);
    siginfo_t info;
    EXPECT_OK(waitid(P_PID, child.pid(), &info, WSTOPPED));
    EXPECT_EQ(0, count);
    kill(child.pid(), SIGKILL);
    child.Wait();
    EXPECT_EQ(1, count);
  });
}

TEST(Reparenting, OrphanGoesToTheSubreaper) {
  InChild([] {
    ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid_t reaper = getpid();
    Pipe pipe;
    Event dead;
    InChild([&] {
      pid_t orphan = fork();
      if (orphan == 0) {
        dead.Wait();
        _exit(getppid() == reaper ? 19 : 1);
      }
      EXPECT_EQ(static_cast<ssize_t>(sizeof(orphan)), write(pipe.write.get(), &orphan, sizeof(orphan)));
    });
    dead.Set();
    pid_t orphan = 0;
    ASSERT_EQ(static_cast<ssize_t>(sizeof(orphan)), read(pipe.read.get(), &orphan, sizeof(orphan)));
    int status;
    EXPECT_EQ(orphan, waitpid(orphan, &status, 0));
    EXPECT_EQ(19, WEXITSTATUS(status));
  });
}

TEST(Reparenting, ZombieOfADeadParentIsInherited) {
  InChild([] {
    ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    InChild([] {
      pid_t pid = fork();
      if (pid == 0) _exit(23);
      WaitUntilZombie(pid);
    });
    int status;
    EXPECT_GT(wait(&status), 0);
    EXPECT_EQ(23, WEXITSTATUS(status));
  });
}

TEST(Reparenting, SubreaperAttributeIsNotInheritedByFork) {
  InChild([] {
    int value = -1;
    ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    EXPECT_OK(prctl(PR_GET_CHILD_SUBREAPER, &value));
    EXPECT_EQ(1, value);
    InChild([] {
      int inner = -1;
      EXPECT_OK(prctl(PR_GET_CHILD_SUBREAPER, &inner));
      EXPECT_EQ(0, inner);
    });
  });
}

TEST(Reparenting, DeathSignalIsSentWhenTheParentDies) {
  InChild([] {
    ASSERT_OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
    pid_t pid = 0;
    Pipe pipe;
    InChild([&] {
      pid_t orphan = fork();
      if (orphan == 0) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        orphan = getpid();
        EXPECT_EQ(4, write(pipe.write.get(), &orphan, sizeof(orphan)));
        for (;;) pause();
      }
      pid_t told = 0;
      EXPECT_EQ(4, read(pipe.read.get(), &told, sizeof(told)));
      EXPECT_EQ(4, write(pipe.write.get(), &told, sizeof(told)));
    });
    EXPECT_EQ(4, read(pipe.read.get(), &pid, sizeof(pid)));
    int status;
    EXPECT_EQ(pid, waitpid(pid, &status, 0));
    EXPECT_EQ(SIGTERM, WTERMSIG(status));
  });
}

TEST(Rusage, ChildrenAreAccountedWhenReaped) {
  InChild([] {
    rusage before = {}, after = {};
    EXPECT_OK(getrusage(RUSAGE_CHILDREN, &before));
    EXPECT_EQ(0, before.ru_maxrss);
    InChild([] {});
    EXPECT_OK(getrusage(RUSAGE_CHILDREN, &after));
    EXPECT_GT(after.ru_maxrss, 0);
  });
}

TEST(Rusage, SelfAndThreadAdvance) {
  rusage self = {}, thread = {};
  do {
    std::string burn;
    for (int i = 0; i < 100000; ++i) burn.push_back('x');
    EXPECT_OK(getrusage(RUSAGE_THREAD, &thread));
  } while (thread.ru_utime.tv_sec == 0 && thread.ru_utime.tv_usec == 0 && thread.ru_stime.tv_usec == 0);
  EXPECT_OK(getrusage(RUSAGE_SELF, &self));
  EXPECT_GT(self.ru_maxrss, 0);
  EXPECT_GT(self.ru_minflt, 0);
}

TEST(Rusage, PeakOutlivesTheMemoryAndExec) {
  InChild([] {
    constexpr size_t kSize = 16 << 20;
    void* p = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    ASSERT_OK(p);
    munmap(p, kSize);
    rusage self = {};
    EXPECT_OK(getrusage(RUSAGE_SELF, &self));
    EXPECT_GE(self.ru_maxrss, long{kSize / 1024});
  });
  rusage children = {};
  EXPECT_OK(getrusage(RUSAGE_CHILDREN, &children));
  EXPECT_GE(children.ru_maxrss, 16 << 10);
  EXPECT_GT(children.ru_minflt, 0);
}

TEST(Rusage, RefusesUnknownTarget) {
  rusage usage;
  EXPECT_ERRNO(syscall(SYS_getrusage, 5, &usage), EINVAL);
  EXPECT_ERRNO(syscall(SYS_getrusage, -2, &usage), EINVAL);
}

}  // namespace
}  // namespace guest
