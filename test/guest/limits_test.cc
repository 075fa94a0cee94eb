// Resource limits, scheduling parameters and the small calls about the machine and the process.
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

TEST(Rlimit, EveryResourceReads) {
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    rlimit limit = {1, 0};
    EXPECT_OK(getrlimit(resource, &limit)) << resource;
    EXPECT_LE(limit.rlim_cur, limit.rlim_max);
  }
}

TEST(Rlimit, UnknownResourceIsEinval) {
  rlimit limit = {};
  EXPECT_ERRNO(syscall(SYS_getrlimit, RLIM_NLIMITS, &limit), EINVAL);
  EXPECT_ERRNO(syscall(SYS_setrlimit, RLIM_NLIMITS, &limit), EINVAL);
}

TEST(Rlimit, SoftMayMoveBelowHard) {
  InChild([] {
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 10;
    EXPECT_OK(setrlimit(RLIMIT_NOFILE, &limit));
    rlimit got = {};
    getrlimit(RLIMIT_NOFILE, &got);
    EXPECT_EQ(10u, got.rlim_cur);
    EXPECT_EQ(limit.rlim_max, got.rlim_max);
    limit.rlim_cur = limit.rlim_max;
    EXPECT_OK(setrlimit(RLIMIT_NOFILE, &limit));
  });
}

TEST(Rlimit, SoftAboveHardIsEinval) {
  rlimit limit = {20, 10};
  EXPECT_ERRNO(setrlimit(RLIMIT_CORE, &limit), EINVAL);
}

TEST(Rlimit, RaisingHardNeedsPrivilege) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    rlimit limit = {100, 100};
    EXPECT_OK(setrlimit(RLIMIT_MSGQUEUE, &limit));
    limit = {101, 101};
    EXPECT_ERRNO(setrlimit(RLIMIT_MSGQUEUE, &limit), EPERM);
  });
}

TEST(Rlimit, IsInheritedByFork) {
  InChild([] {
    rlimit limit = {33, 44};
    ASSERT_OK(setrlimit(RLIMIT_SIGPENDING, &limit));
    InChild([] {
      rlimit got = {};
      getrlimit(RLIMIT_SIGPENDING, &got);
      EXPECT_EQ(33u, got.rlim_cur);
      EXPECT_EQ(44u, got.rlim_max);
    });
  });
}

TEST(Rlimit, PrlimitReadsAndSetsAChild) {
  Child child([] { pause(); });
  rlimit limit = {11, 12}, old = {};
  EXPECT_OK(prlimit(child.pid(), RLIMIT_SIGPENDING, &limit, &old));
  EXPECT_OK(prlimit(child.pid(), RLIMIT_SIGPENDING, nullptr, &old));
  EXPECT_EQ(11u, old.rlim_cur);
  EXPECT_ERRNO(prlimit(0x3ffffff, RLIMIT_CORE, nullptr, &old), ESRCH);
}

TEST(Rlimit, PrlimitOfAnotherUserIsEperm) {
  REQUIRE_ROOT();
  Child child([] { pause(); });
  InChildAs(kUser, kGroup, [&] {
    rlimit old = {};
    EXPECT_ERRNO(prlimit(child.pid(), RLIMIT_CORE, nullptr, &old), EPERM);
  });
}

TEST(Rlimit, NofileBoundsDescriptors) {
  InChild([] {
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = 8;
    ASSERT_OK(setrlimit(RLIMIT_NOFILE, &limit));
    EXPECT_ERRNO(dup2(0, 8), EBADF);
    EXPECT_ERRNO(fcntl(0, F_DUPFD, 8), EINVAL);
    while (dup(1) >= 0) {
    }
    EXPECT_EQ(EMFILE, errno);
    EXPECT_ERRNO(open("/dev/null", O_RDONLY), EMFILE);
  });
}

TEST(Rlimit, FsizeBoundsFilesWithSigxfsz) {
  ScopedTempDir dir;
  InChild([&] {
    rlimit limit = {100, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 100;
    ASSERT_OK(setrlimit(RLIMIT_FSIZE, &limit));
    Fd fd(open((dir / "f").c_str(), O_CREAT | O_WRONLY, 0600));
    std::string data(150, 'x');
    EXPECT_EQ(100, write(fd.get(), data.data(), data.size())) << "up to the limit";
    ScopedHandler handler(SIGXFSZ, SIG_IGN);
    EXPECT_ERRNO(write(fd.get(), "x", 1), EFBIG);
    EXPECT_ERRNO(ftruncate(fd.get(), 101), EFBIG);
  });
  int status = StatusOf([&] {
    rlimit limit = {};
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 0;
    setrlimit(RLIMIT_FSIZE, &limit);
    Fd fd(open((dir / "g").c_str(), O_CREAT | O_WRONLY, 0600));
    EXPECT_EQ(-1, write(fd.get(), "x", 1));
  });
  EXPECT_EQ(SIGXFSZ, WTERMSIG(status)) << DescribeStatus(status);
}

TEST(Rlimit, CpuLimitKills) {
  int status = StatusOf([] {
    rlimit limit = {1, 2};
    setrlimit(RLIMIT_CPU, &limit);
    for (;;) getppid();
  });
  EXPECT_EQ(SIGXCPU, WTERMSIG(status)) << DescribeStatus(status);
}

TEST(Rlimit, SigpendingBoundsTheQueue) {
  REQUIRE_ROOT();
  InChild([] {
    rlimit limit = {3, 3};
    ASSERT_OK(setrlimit(RLIMIT_SIGPENDING, &limit));
    BecomeUser(kUser + 1000, kGroup);
    sigset_t set = SignalSet({SIGRTMIN});
    sigprocmask(SIG_BLOCK, &set, nullptr);
    int queued = 0;
    while (queued < 100 && sigqueue(getpid(), SIGRTMIN, sigval{}) == 0) ++queued;
    EXPECT_EQ(EAGAIN, errno);
    EXPECT_LE(queued, 3);
  });
}

TEST(Sched, PolicyAndPriorityRanges) {
  EXPECT_EQ(1, sched_get_priority_min(SCHED_FIFO));
  EXPECT_EQ(99, sched_get_priority_max(SCHED_FIFO));
  EXPECT_EQ(1, sched_get_priority_min(SCHED_RR));
  EXPECT_EQ(0, sched_get_priority_max(SCHED_OTHER));
  EXPECT_EQ(0, sched_get_priority_max(SCHED_BATCH));
  EXPECT_ERRNO(sched_get_priority_max(99), EINVAL);
}

TEST(Scheduling, DeadlinesAreForThePrivileged) {
  if (getuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  InChildAs(65534, 65534, [] {
    struct {
      uint32_t size = 48, policy = 6;  // SCHED_DEADLINE
      uint64_t flags = 0;
      int32_t nice = 0;
      uint32_t priority = 0;
      uint64_t runtime = 10'000'000, deadline = 30'000'000, period = 0;
    } attributes;
    EXPECT_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), EPERM);
    attributes.runtime = 40'000'000;
    EXPECT_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), EINVAL) << "more than the deadline";
    attributes.runtime = 1000;
    EXPECT_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), EINVAL) << "too short";
    attributes.runtime = 0;
    attributes.deadline = 0;
    EXPECT_ERRNO(syscall(SYS_sched_setattr, 0, &attributes, 0), EINVAL);
  });
}

TEST(Sched, DefaultPolicyIsOther) {
  EXPECT_EQ(SCHED_OTHER, sched_getscheduler(0));
  sched_param param = {77};
  EXPECT_OK(sched_getparam(0, &param));
  EXPECT_EQ(0, param.sched_priority);
  EXPECT_ERRNO(sched_getscheduler(0x3ffffff), ESRCH);
  EXPECT_ERRNO(sched_getscheduler(-1), EINVAL);
  EXPECT_ERRNO(syscall(SYS_sched_getparam, 0, nullptr), EINVAL);
}

TEST(Sched, BatchAndIdleAreAllowed) {
  InChild([] {
    sched_param param = {0};
    EXPECT_OK(sched_setscheduler(0, SCHED_BATCH, &param));
    EXPECT_EQ(SCHED_BATCH, sched_getscheduler(0));
    EXPECT_OK(sched_setscheduler(0, SCHED_IDLE, &param));
    EXPECT_EQ(SCHED_IDLE, sched_getscheduler(0));
    param = {1};
    EXPECT_ERRNO(sched_setscheduler(0, SCHED_OTHER, &param), EINVAL);
  });
}

TEST(Sched, RealTimeNeedsPrivilege) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    sched_param param = {1};
    EXPECT_ERRNO(sched_setscheduler(0, SCHED_FIFO, &param), EPERM);
  });
}

TEST(Sched, AffinityHasTheRunningCpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_OK(sched_getaffinity(0, sizeof(set), &set));
  EXPECT_GT(CPU_COUNT(&set), 0);
  int cpu = sched_getcpu();
  EXPECT_TRUE(CPU_ISSET(cpu, &set));
  EXPECT_EQ(sysconf(_SC_NPROCESSORS_ONLN) >= CPU_COUNT(&set), true);
}

TEST(Sched, AffinitySizesAndTargets) {
  cpu_set_t set;
  EXPECT_ERRNO(syscall(SYS_sched_getaffinity, 0, 7, &set), EINVAL);
  EXPECT_ERRNO(sched_getaffinity(0x3ffffff, sizeof(set), &set), ESRCH);
  EXPECT_ERRNO(sched_getaffinity(-1, sizeof(set), &set), ESRCH) << "EINVAL would mean: a larger set, please";
  CPU_ZERO(&set);
  EXPECT_ERRNO(sched_setaffinity(0, sizeof(set), &set), EINVAL) << "an empty set";
  EXPECT_ERRNO(sched_setaffinity(0, 0, &set), EINVAL) << "a set of no bytes";
}

TEST(Sched, AffinityRestrictsAndIsInherited) {
  InChild([] {
    cpu_set_t set, got;
    sched_getaffinity(0, sizeof(set), &set);
    int cpu = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    EXPECT_OK(sched_setaffinity(0, sizeof(set), &set));
    EXPECT_EQ(cpu, sched_getcpu());
    InChild([&] {
      EXPECT_OK(sched_getaffinity(0, sizeof(got), &got));
      EXPECT_EQ(1, CPU_COUNT(&got));
      EXPECT_TRUE(CPU_ISSET(cpu, &got));
    });
  });
}

TEST(Sched, YieldAndIntervalWork) {
  EXPECT_OK(sched_yield());
  timespec interval = {};
  EXPECT_OK(sched_rr_get_interval(0, &interval));
  EXPECT_ERRNO(sched_rr_get_interval(-1, &interval), EINVAL);
}

TEST(Sched, GetattrReports) {
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
  } attr = {};
  EXPECT_OK(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0));
  EXPECT_EQ(static_cast<uint32_t>(SCHED_OTHER), attr.policy);
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), attr.nice);
  EXPECT_ERRNO(syscall(SYS_sched_getattr, 0, &attr, 8, 0), EINVAL);
  EXPECT_ERRNO(syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 1), EINVAL);
}

TEST(Getcpu, NumbersLieInTheMachine) {
  unsigned cpu = ~0u, node = ~0u;
  EXPECT_OK(syscall(SYS_getcpu, &cpu, &node, nullptr));
  EXPECT_LT(cpu, static_cast<unsigned>(sysconf(_SC_NPROCESSORS_CONF)));
  EXPECT_LT(node, 1024u);
  EXPECT_OK(syscall(SYS_getcpu, nullptr, nullptr, nullptr));
}

TEST(Priority, NiceValueIsSetAndInherited) {
  InChild([] {
    EXPECT_OK(setpriority(PRIO_PROCESS, 0, 5));
    EXPECT_EQ(5, getpriority(PRIO_PROCESS, 0));
    EXPECT_EQ(20 - 5, syscall(SYS_getpriority, PRIO_PROCESS, 0)) << "the raw call is biased";
    InChild([] { EXPECT_EQ(5, getpriority(PRIO_PROCESS, 0)); });
    EXPECT_OK(setpriority(PRIO_PROCESS, 0, 100));
    EXPECT_EQ(19, getpriority(PRIO_PROCESS, 0)) << "clamped";
  });
}

TEST(Priority, RefusesBadTargets) {
  errno = 0;
  EXPECT_ERRNO(setpriority(99, 0, 0), EINVAL);
  EXPECT_ERRNO(setpriority(PRIO_PROCESS, 0x3ffffff, 0), ESRCH);
}

TEST(Priority, LoweringNiceNeedsPrivilege) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    rlimit limit = {0, 0};
    setrlimit(RLIMIT_NICE, &limit);
    EXPECT_OK(setpriority(PRIO_PROCESS, 0, 3));
    EXPECT_ERRNO(setpriority(PRIO_PROCESS, 0, 2), EACCES);
  });
}

TEST(Priority, IoPriorityRoundTrips) {
  InChild([] {
    int value = (2 << 13) | 5;  // best effort, level 5
    EXPECT_OK(syscall(SYS_ioprio_set, 1, 0, value));
    EXPECT_EQ(value, syscall(SYS_ioprio_get, 1, 0));
  });
}

TEST(Uname, IsFilled) {
  utsname name = {};
  EXPECT_OK(uname(&name));
  EXPECT_STREQ("Linux", name.sysname);
  EXPECT_STREQ("x86_64", name.machine);
  EXPECT_GE(atoi(name.release), 4);
  char host[65] = {};
  EXPECT_OK(gethostname(host, sizeof(host)));
  EXPECT_STREQ(name.nodename, host);
}

TEST(Sysinfo, IsPlausible) {
  struct sysinfo info = {};
  EXPECT_OK(sysinfo(&info));
  EXPECT_GT(info.totalram, info.freeram);
  EXPECT_GT(info.mem_unit, 0u);
  EXPECT_GT(info.procs, 0);
  EXPECT_GT(info.uptime, 0);
}

TEST(Getrandom, FillsAndChecksFlags) {
  unsigned char a[64] = {}, b[64] = {};
  EXPECT_EQ(64, getrandom(a, 64, 0));
  EXPECT_EQ(64, getrandom(b, 64, GRND_NONBLOCK));
  EXPECT_NE(0, memcmp(a, b, 64));
  EXPECT_EQ(16, getrandom(a, 16, GRND_RANDOM));
  EXPECT_EQ(0, getrandom(a, 0, 0));
  EXPECT_ERRNO(getrandom(a, 1, 0x100), EINVAL);
  EXPECT_ERRNO(getrandom(a, 1, GRND_RANDOM | GRND_INSECURE), EINVAL);
}

TEST(Getrandom, LargeRequestIsComplete) {
  std::vector<char> big(1 << 20);
  EXPECT_EQ(static_cast<ssize_t>(big.size()), getrandom(big.data(), big.size(), 0));
}

TEST(Umask, ReturnsTheOldAndKeepsNineBits) {
  InChild([] {
    EXPECT_EQ(022u, umask(07777));
    EXPECT_EQ(0777u, umask(027));
    ScopedTempDir dir;
    Fd fd(open((dir / "f").c_str(), O_CREAT | O_WRONLY, 0777));
    struct stat s;
    ASSERT_OK(fstat(fd.get(), &s));
    EXPECT_EQ(0750u, s.st_mode & 07777);
  });
}

TEST(Prctl, NameIsCutTo15AndVisibleInProc) {
  InChild([] {
    EXPECT_OK(prctl(PR_SET_NAME, "a_rather_long_thread_name"));
    char name[16] = {};
    EXPECT_OK(prctl(PR_GET_NAME, name));
    EXPECT_STREQ("a_rather_long_t", name);
    EXPECT_EQ("a_rather_long_t\n", ReadFile("/proc/self/comm"));
  });
}

TEST(Prctl, NameIsPerThread) {
  InChild([] {
    prctl(PR_SET_NAME, "main");
    std::thread([] {
      prctl(PR_SET_NAME, "other");
      EXPECT_EQ("other\n", ReadFile("/proc/thread-self/comm"));
    }).join();
    EXPECT_EQ("main\n", ReadFile("/proc/self/comm"));
  });
}

TEST(Prctl, CommFileIsWritable) {
  InChild([] {
    Fd fd(open("/proc/self/comm", O_WRONLY));
    EXPECT_EQ(3, write(fd.get(), "new", 3));
    char name[16] = {};
    prctl(PR_GET_NAME, name);
    EXPECT_STREQ("new", name);
  });
}

TEST(Prctl, DumpableValues) {
  InChild([] {
    EXPECT_OK(prctl(PR_SET_DUMPABLE, 0));
    EXPECT_EQ(0, prctl(PR_GET_DUMPABLE));
    EXPECT_OK(prctl(PR_SET_DUMPABLE, 1));
    EXPECT_EQ(1, prctl(PR_GET_DUMPABLE));
    EXPECT_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
  });
}

TEST(Prctl, DeathSignalRoundTrips) {
  InChild([] {
    int signal = -1;
    EXPECT_OK(prctl(PR_SET_PDEATHSIG, SIGUSR1));
    EXPECT_OK(prctl(PR_GET_PDEATHSIG, &signal));
    EXPECT_EQ(SIGUSR1, signal);
    EXPECT_ERRNO(prctl(PR_SET_PDEATHSIG, 65), EINVAL);
    InChild([] {
      prctl(PR_SET_PDEATHSIG, 0);
      int inner = -1;
      EXPECT_OK(prctl(PR_GET_PDEATHSIG, &inner));
      EXPECT_EQ(0, inner);
    });
  });
}

TEST(Prctl, TimerSlackRoundTrips) {
  InChild([] {
    EXPECT_OK(prctl(PR_SET_TIMERSLACK, 1234));
    EXPECT_EQ(1234, prctl(PR_GET_TIMERSLACK));
  });
}

TEST(Prctl, UnknownOptionIsEinval) { EXPECT_ERRNO(prctl(0x12345678, 0, 0, 0, 0), EINVAL); }

TEST(Personality, ReadsAndSets) {
  InChild([] {
    int now = personality(0xffffffff);
    EXPECT_OK(now);
    EXPECT_EQ(now, personality(ADDR_NO_RANDOMIZE));
    EXPECT_EQ(ADDR_NO_RANDOMIZE, personality(0xffffffff));
  });
}

TEST(ArchPrctl, FsAndGsBase) {
  unsigned long fs = 0, gs = 1;
  EXPECT_OK(syscall(SYS_arch_prctl, 0x1003 /* ARCH_GET_FS */, &fs));
  EXPECT_EQ(fs, *reinterpret_cast<unsigned long*>(fs)) << "the thread control block points to itself";
  EXPECT_OK(syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, 0x1234000));
  EXPECT_OK(syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &gs));
  EXPECT_EQ(0x1234000u, gs);
  EXPECT_OK(syscall(SYS_arch_prctl, 0x1001, 0));
  EXPECT_ERRNO(syscall(SYS_arch_prctl, 0x1001, 0xffff800000000000), EPERM);
  EXPECT_ERRNO(syscall(SYS_arch_prctl, 0x7777, 0), EINVAL);
}

TEST(Hostname, NeedsPrivilege) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    EXPECT_ERRNO(sethostname("x", 1), EPERM);
    EXPECT_ERRNO(setdomainname("x", 1), EPERM);
  });
}

TEST(Unprivileged, AdministrationIsEperm) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    EXPECT_ERRNO(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x89abcdef, nullptr), EPERM);
    EXPECT_ERRNO(syscall(SYS_swapon, "/nonexistent", 0), EPERM);
    EXPECT_ERRNO(syscall(SYS_acct, "/nonexistent"), EPERM);
    EXPECT_ERRNO(chroot("/"), EPERM);
    EXPECT_ERRNO(syscall(SYS_vhangup), EPERM);
  });
}

}  // namespace
}  // namespace guest
