// ptrace(2): stops, events, and who may.
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <thread>

#include "test/guest/support/role.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/tracee.h"

namespace guest {
namespace {

TEST(Ptrace, SignalsStopAndCanBeReplaced) {
  Tracee tracee([] {
    ScopedHandler handler(SIGUSR2, [](int) { _exit(33); });
    raise(SIGUSR1);
    _exit(1);
  });
  EXPECT_EQ(StopOf(SIGUSR1), tracee.Go());
  siginfo_t info = {};
  EXPECT_OK(Trace(PTRACE_GETSIGINFO, tracee.pid(), 0, &info));
  EXPECT_EQ(SIGUSR1, info.si_signo);
  EXPECT_EQ(SI_TKILL, info.si_code);
  EXPECT_EQ(tracee.pid(), info.si_pid);
  EXPECT_EQ(33 << 8, tracee.Go(PTRACE_CONT, SIGUSR2));
  tracee.Forget();
}

TEST(Ptrace, SignalsCanBeDropped) {
  Tracee tracee([] {
    raise(SIGTERM);
    _exit(5);
  });
  EXPECT_EQ(StopOf(SIGTERM), tracee.Go());
  EXPECT_EQ(5 << 8, tracee.Go());
  tracee.Forget();
}

TEST(Ptrace, IgnoredSignalsAreSeenAndSigkillIsNot) {
  Tracee tracee([] {
    signal(SIGHUP, SIG_IGN);
    raise(SIGHUP);
    raise(SIGKILL);
  });
  EXPECT_EQ(StopOf(SIGHUP), tracee.Go());
  EXPECT_EQ(SIGKILL, tracee.Go(PTRACE_CONT, SIGHUP));
  tracee.Forget();
}

TEST(Ptrace, KillEndsAStoppedTracee) {
  Tracee tracee([] { _exit(1); });
  EXPECT_OK(kill(tracee.pid(), SIGKILL));
  EXPECT_EQ(SIGKILL, WaitFor(tracee.pid()));
  tracee.Forget();
}

TEST(Ptrace, CallsStopAtEntryAndExit) {
  Tracee tracee([] {
    const long result = syscall(SYS_getppid);
    _exit(result == 4711 ? 0 : 1);
  });
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, PTRACE_O_TRACESYSGOOD));
  user_regs_struct registers = {};
  ptrace_syscall_info info = {};
  // What the C library does on its way out of raise() comes first.
  do {
    EXPECT_EQ(StopOf(SIGTRAP | 0x80), tracee.Go(PTRACE_SYSCALL));
    registers = tracee.Registers();
    EXPECT_GT(Trace(PTRACE_GET_SYSCALL_INFO, tracee.pid(), sizeof(info), &info), 0);
  } while (!(info.op == PTRACE_SYSCALL_INFO_ENTRY && registers.orig_rax == SYS_getppid));
  EXPECT_EQ(-ENOSYS, static_cast<long>(registers.rax));
  EXPECT_EQ(static_cast<uint64_t>(SYS_getppid), info.entry.nr);
  EXPECT_EQ(AUDIT_ARCH_X86_64, info.arch);
  EXPECT_EQ(registers.rip, info.instruction_pointer);
  EXPECT_EQ(registers.rsp, info.stack_pointer);
  EXPECT_EQ(StopOf(SIGTRAP | 0x80), tracee.Go(PTRACE_SYSCALL));
  registers = tracee.Registers();
  EXPECT_EQ(getpid(), static_cast<pid_t>(registers.rax));
  EXPECT_EQ(33, Trace(PTRACE_GET_SYSCALL_INFO, tracee.pid(), sizeof(info), &info));
  EXPECT_EQ(PTRACE_SYSCALL_INFO_EXIT, info.op);
  EXPECT_EQ(getpid(), info.exit.rval);
  EXPECT_EQ(0, info.exit.is_error);
  registers.rax = 4711;
  EXPECT_OK(Trace(PTRACE_SETREGS, tracee.pid(), 0, &registers));
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

TEST(Ptrace, CallsThatWaitAreNotInterrupted) {
  Tracee tracee([] {
    for (int i = 0; i < 3; ++i) syscall(SYS_poll, nullptr, 0, 20);
    _exit(0);
  });
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSCALL));
    EXPECT_EQ(static_cast<unsigned long>(SYS_poll), tracee.Registers().orig_rax);
    EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSCALL));
    EXPECT_EQ(0u, tracee.Registers().rax) << "the time has passed";
  }
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

TEST(Ptrace, CallsCanBeReplacedAndSkipped) {
  Tracee tracee([] {
    const long first = syscall(SYS_getppid, 77);
    const long second = syscall(SYS_getppid, 78);
    _exit(first == getpid() && second == 1234 ? 0 : 1);
  });
  for (int seen = 0; seen < 2;) {
    EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSCALL));
    user_regs_struct registers = tracee.Registers();
    if (registers.orig_rax != SYS_getppid || registers.rax != static_cast<unsigned long>(-ENOSYS)) continue;
    registers.orig_rax = seen == 0 ? SYS_getpid : -1ul;
    if (seen == 1) registers.rax = 1234;
    EXPECT_OK(Trace(PTRACE_SETREGS, tracee.pid(), 0, &registers));
    EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSCALL));
    if (seen == 1) {
      registers = tracee.Registers();
      registers.rax = 1234;
      EXPECT_OK(Trace(PTRACE_SETREGS, tracee.pid(), 0, &registers));
    }
    ++seen;
  }
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

// Calls that a sandbox may leave to its host are seen as well.
TEST(Ptrace, FutexAndArchPrctlAreSeen) {
  Tracee tracee([] {
    int word = 0;
    unsigned long base = 0;
    syscall(SYS_arch_prctl, 0x1004 /* ARCH_GET_GS */, &base);
    const long first = syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 1, nullptr);
    const bool again = first == -1 && errno == EAGAIN;
    const long second = syscall(SYS_futex, &word, 1 /* FUTEX_WAKE */, 1, nullptr);
    const long third = syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, 0x123000);
    syscall(SYS_arch_prctl, 0x1004, &base);
    _exit(again && second == 0 && third == 0 && base == 0x123000 ? 0 : 1);
  });
  int futexes = 0, bases = 0, status = 0;
  for (;;) {
    status = tracee.Go(PTRACE_SYSCALL);
    if (!WIFSTOPPED(status)) break;
    const user_regs_struct registers = tracee.Registers();
    if (registers.rax != static_cast<unsigned long>(-ENOSYS)) continue;
    if (registers.orig_rax == SYS_futex) ++futexes;
    if (registers.orig_rax == SYS_arch_prctl) ++bases;
  }
  EXPECT_EQ(0, status);
  EXPECT_EQ(2, futexes);
  EXPECT_EQ(3, bases);
  tracee.Forget();
}

TEST(Ptrace, ABlockedFutexIsInterrupted) {
  Tracee tracee([] {
    int word = 0;
    ScopedHandler handler(SIGUSR1, IgnoreSignal, 0);
    const long result = syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, 0, nullptr);
    _exit(result == -1 && errno == EINTR ? 0 : 1);
  });
  user_regs_struct registers = {};
  do {
    EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSCALL));
    registers = tracee.Registers();
  } while (registers.orig_rax != SYS_futex);
  EXPECT_OK(Trace(PTRACE_SYSCALL, tracee.pid()));
  usleep(20'000);
  EXPECT_OK(kill(tracee.pid(), SIGUSR1));
  EXPECT_EQ(StopOf(SIGTRAP), WaitFor(tracee.pid())) << "the exit from the call comes first";
  EXPECT_EQ(StopOf(SIGUSR1), tracee.Go());
  EXPECT_EQ(0, tracee.Go(PTRACE_CONT, SIGUSR1));
  tracee.Forget();
}

TEST(Ptrace, CallsAreEmulated) {
  Tracee tracee([] { _exit(syscall(SYS_getppid) == 4321 && syscall(SYS_getppid) > 0 ? 0 : 1); });
  EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSEMU));
  user_regs_struct registers = tracee.Registers();
  EXPECT_EQ(static_cast<unsigned long>(SYS_getppid), registers.orig_rax);
  registers.rax = 4321;
  EXPECT_OK(Trace(PTRACE_SETREGS, tracee.pid(), 0, &registers));
  // From one entry to the next: there is no stop at the exit.
  EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSCALL));
  EXPECT_EQ(4321u, tracee.Registers().rax) << "but there is when the tracer asks for it";
  EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSCALL));
  EXPECT_EQ(static_cast<unsigned long>(-ENOSYS), tracee.Registers().rax) << "the entry of the second";
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

TEST(Ptrace, ForkedChildrenAreTraced) {
  Tracee tracee([] {
    const pid_t child = fork();
    if (child == 0) _exit(3);
    int status = 0;
    _exit(waitpid(child, &status, 0) == child && status == 3 << 8 ? 0 : 1);
  });
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXIT));
  EXPECT_EQ(EventOf(PTRACE_EVENT_FORK), tracee.Go());
  unsigned long child = 0;
  EXPECT_OK(Trace(PTRACE_GETEVENTMSG, tracee.pid(), 0, &child));
  const auto pid = static_cast<pid_t>(child);
  EXPECT_EQ(StopOf(SIGSTOP), WaitFor(pid));
  EXPECT_OK(Trace(PTRACE_CONT, tracee.pid()));
  EXPECT_OK(Trace(PTRACE_CONT, pid));
  EXPECT_EQ(EventOf(PTRACE_EVENT_EXIT), WaitFor(pid));
  unsigned long status = 0;
  EXPECT_OK(Trace(PTRACE_GETEVENTMSG, pid, 0, &status));
  EXPECT_EQ(3ul << 8, status);
  EXPECT_OK(Trace(PTRACE_CONT, pid));
  EXPECT_EQ(3 << 8, WaitFor(pid)) << "the tracer first, then the parent";
  EXPECT_EQ(StopOf(SIGCHLD), WaitFor(tracee.pid()));
  EXPECT_EQ(EventOf(PTRACE_EVENT_EXIT), tracee.Go(PTRACE_CONT, SIGCHLD));
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

TEST(Ptrace, VforkReportsItsEnd) {
  Tracee tracee([] {
    const pid_t child = vfork();
    if (child == 0) _exit(0);
    _exit(child > 0 ? 0 : 1);
  });
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, PTRACE_O_TRACEVFORK | PTRACE_O_TRACEVFORKDONE));
  EXPECT_EQ(EventOf(PTRACE_EVENT_VFORK), tracee.Go());
  unsigned long child = 0, done = 0;
  EXPECT_OK(Trace(PTRACE_GETEVENTMSG, tracee.pid(), 0, &child));
  const auto pid = static_cast<pid_t>(child);
  EXPECT_EQ(StopOf(SIGSTOP), WaitFor(pid));
  EXPECT_OK(Trace(PTRACE_DETACH, pid));
  EXPECT_EQ(EventOf(PTRACE_EVENT_VFORK_DONE), tracee.Go());
  EXPECT_OK(Trace(PTRACE_GETEVENTMSG, tracee.pid(), 0, &done));
  EXPECT_EQ(child, done);
  int status = tracee.Go();
  if (status == StopOf(SIGCHLD)) status = tracee.Go();
  EXPECT_EQ(0, status);
  tracee.Forget();
}

TEST(Ptrace, ThreadsAreTracedAndTheirEndIsWaitedFor) {
  Tracee tracee([] {
    std::thread([] { raise(SIGUSR1); }).join();
    _exit(0);
  });
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, PTRACE_O_TRACECLONE));
  EXPECT_EQ(EventOf(PTRACE_EVENT_CLONE), tracee.Go());
  unsigned long message = 0;
  EXPECT_OK(Trace(PTRACE_GETEVENTMSG, tracee.pid(), 0, &message));
  const auto thread = static_cast<pid_t>(message);
  EXPECT_EQ(StopOf(SIGSTOP), WaitFor(thread));
  EXPECT_OK(Trace(PTRACE_CONT, tracee.pid()));
  EXPECT_OK(Trace(PTRACE_CONT, thread));
  EXPECT_EQ(StopOf(SIGUSR1), WaitFor(thread));
  EXPECT_OK(Trace(PTRACE_CONT, thread));
  EXPECT_EQ(0, WaitFor(thread));
  EXPECT_EQ(0, WaitFor(tracee.pid()));
  tracee.Forget();
}

GUEST_ROLE(ptrace_exec) { return 21; }

TEST(Ptrace, ExecTraps) {
  Tracee old([] { ExecRole("ptrace_exec"); });
  EXPECT_EQ(StopOf(SIGTRAP), old.Go()) << "without options a plain SIGTRAP";
  siginfo_t info = {};
  EXPECT_OK(Trace(PTRACE_GETSIGINFO, old.pid(), 0, &info));
  EXPECT_EQ(SI_USER, info.si_code);
  EXPECT_EQ(21 << 8, old.Go());
  old.Forget();
  Tracee tracee([] { ExecRole("ptrace_exec"); });
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, PTRACE_O_TRACEEXEC));
  EXPECT_EQ(EventOf(PTRACE_EVENT_EXEC), tracee.Go());
  unsigned long message = 0;
  EXPECT_OK(Trace(PTRACE_GETEVENTMSG, tracee.pid(), 0, &message));
  EXPECT_EQ(tracee.pid(), static_cast<pid_t>(message));
  EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SYSCALL)) << "the end of execve";
  EXPECT_EQ(0u, tracee.Registers().rax);
  EXPECT_EQ(21 << 8, tracee.Go());
  tracee.Forget();
}

TEST(Ptrace, AttachStopsAndDetachLetsGo) {
  Event ready;
  Child child([&] {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    ready.Set();
    for (;;) pause();
  });
  ready.Wait();
  ASSERT_OK(Trace(PTRACE_ATTACH, child.pid()));
  EXPECT_EQ(StopOf(SIGSTOP), WaitFor(child.pid()));
  EXPECT_ERRNO(Trace(PTRACE_ATTACH, child.pid()), EPERM);
  EXPECT_NE(std::string::npos, ReadFile("/proc/" + std::to_string(child.pid()) + "/status").find("t (tracing stop)"));
  EXPECT_NE(std::string::npos, ReadFile("/proc/" + std::to_string(child.pid()) + "/status")
                                   .find("TracerPid:\t" + std::to_string(getpid()) + "\n"));
  EXPECT_OK(Trace(PTRACE_DETACH, child.pid()));
  EXPECT_ERRNO(Trace(PTRACE_CONT, child.pid()), ESRCH);
  EXPECT_OK(kill(child.pid(), SIGTERM));
  EXPECT_EQ(SIGTERM, child.Wait());
}

TEST(Ptrace, SeizeInterruptAndListen) {
  Event ready;
  Child child([&] {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    ready.Set();
    for (;;) pause();
  });
  ready.Wait();
  EXPECT_ERRNO(Trace(PTRACE_SEIZE, child.pid(), 1, 0), EIO);
  ASSERT_OK(Trace(PTRACE_SEIZE, child.pid(), 0, PTRACE_O_TRACESYSGOOD));
  EXPECT_ERRNO(Trace(PTRACE_CONT, child.pid()), ESRCH) << "runs";
  EXPECT_OK(Trace(PTRACE_INTERRUPT, child.pid()));
  EXPECT_EQ(EventOf(PTRACE_EVENT_STOP), WaitFor(child.pid()));
  EXPECT_OK(Trace(PTRACE_CONT, child.pid()));
  EXPECT_OK(kill(child.pid(), SIGSTOP));
  EXPECT_EQ(StopOf(SIGSTOP), WaitFor(child.pid())) << "the signal";
  EXPECT_OK(Trace(PTRACE_CONT, child.pid(), 0, SIGSTOP));
  EXPECT_EQ(EventOf(PTRACE_EVENT_STOP, SIGSTOP), WaitFor(child.pid())) << "the group's stop";
  EXPECT_OK(Trace(PTRACE_LISTEN, child.pid()));
  EXPECT_ERRNO(Trace(PTRACE_CONT, child.pid()), ESRCH);
  EXPECT_OK(kill(child.pid(), SIGCONT));
  EXPECT_EQ(EventOf(PTRACE_EVENT_STOP), WaitFor(child.pid())) << "goes on";
  EXPECT_OK(Trace(PTRACE_CONT, child.pid()));
  EXPECT_EQ(StopOf(SIGCONT), WaitFor(child.pid()));
  EXPECT_OK(Trace(PTRACE_DETACH, child.pid()));
  EXPECT_OK(kill(child.pid(), SIGKILL));
  EXPECT_EQ(SIGKILL, child.Wait());
}

TEST(Ptrace, TheEndOfTheTracerLetsItsTraceesGo) {
  Event ready, go;
  Child child([&] {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    ready.Set();
    go.Wait();
    _exit(6);
  });
  ready.Wait();
  InChild([&] {
    ASSERT_OK(Trace(PTRACE_ATTACH, child.pid()));
    EXPECT_EQ(StopOf(SIGSTOP), WaitFor(child.pid()));
  });
  go.Set();
  EXPECT_EQ(6 << 8, child.Wait());
  Child victim([&] {
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
    ready.Set();
    for (;;) pause();
  });
  ready.Wait();
  InChild([&] { ASSERT_OK(Trace(PTRACE_SEIZE, victim.pid(), 0, PTRACE_O_EXITKILL)); });
  EXPECT_EQ(SIGKILL, victim.Wait());
}

TEST(Ptrace, OnlyTheTracerAndOnlyStopped) {
  EXPECT_ERRNO(Trace(PTRACE_CONT, getpid()), ESRCH);
  EXPECT_ERRNO(Trace(PTRACE_ATTACH, 0x3ffffff), ESRCH);
  EXPECT_ERRNO(Trace(PTRACE_ATTACH, getpid()), EPERM);
  Tracee tracee([] { _exit(0); });
  EXPECT_ERRNO(Trace(9999, tracee.pid()), EIO);
  EXPECT_ERRNO(Trace(PTRACE_CONT, tracee.pid(), 0, 65), EIO);
  EXPECT_ERRNO(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, 0x40000000), EINVAL);
  long other = 0;
  std::thread([&] { other = Trace(PTRACE_CONT, tracee.pid()) == -1 ? errno : 0; }).join();
  EXPECT_EQ(ESRCH, other);
}

TEST(Ptrace, NeedsTheSameUserOrTheCapability) {
  REQUIRE_ROOT();
  Event ready;
  Child child([&] {
    ready.Set();
    for (;;) pause();
  });
  ready.Wait();
  InChildAs(kUser, kGroup, [&] {
    EXPECT_ERRNO(Trace(PTRACE_ATTACH, child.pid()), EPERM);
    EXPECT_ERRNO(Trace(PTRACE_SEIZE, child.pid()), EPERM);
  });
}

TEST(Ptrace, WaitidTellsOfTraps) {
  Tracee tracee([] {
    raise(SIGUSR1);
    _exit(0);
  });
  EXPECT_OK(Trace(PTRACE_CONT, tracee.pid()));
  siginfo_t info = {};
  ASSERT_OK(waitid(P_PID, static_cast<id_t>(tracee.pid()), &info, WSTOPPED | WNOWAIT));
  EXPECT_EQ(CLD_TRAPPED, info.si_code);
  EXPECT_EQ(SIGUSR1, info.si_status);
  EXPECT_EQ(StopOf(SIGUSR1), WaitFor(tracee.pid()));
}

TEST(Ptrace, OptionsAreChecked) {
  Tracee tracee([] { _exit(0); });
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, 0xff | PTRACE_O_EXITKILL));
  EXPECT_ERRNO(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, 1 << 8), EINVAL);
  EXPECT_ERRNO(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, 1 << 22), EINVAL);
  EXPECT_OK(Trace(PTRACE_OLDSETOPTIONS, tracee.pid(), 0, 0));
  InChildAs(kUser, kGroup, [] {
    Tracee other([] { _exit(0); });
    EXPECT_ERRNO(Trace(PTRACE_SETOPTIONS, other.pid(), 0, PTRACE_O_SUSPEND_SECCOMP), EPERM);
  });
}

TEST(Ptrace, SeccompEventsLetTheTracerDecide) {
  Tracee tracee([] {
    sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | 88),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const sock_fprog program = {4, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(2);
    _exit(syscall(SYS_getppid) > 0 ? 0 : 1);
  });
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, PTRACE_O_TRACESECCOMP));
  EXPECT_EQ(EventOf(PTRACE_EVENT_SECCOMP), tracee.Go());
  unsigned long message = 0;
  EXPECT_OK(Trace(PTRACE_GETEVENTMSG, tracee.pid(), 0, &message));
  EXPECT_EQ(88u, message);
  EXPECT_EQ(static_cast<unsigned long>(SYS_getppid), tracee.Registers().orig_rax);
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

}  // namespace
}  // namespace guest
