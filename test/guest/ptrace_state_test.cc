// ptrace(2): registers, memory, and what else a tracer sees of its tracee.
#include <asm/prctl.h>
#include <elf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/rseq.h>
#include <sys/uio.h>

#include "test/guest/support/signals.h"
#include "test/guest/support/tracee.h"

namespace guest {
namespace {

// A line of /proc/self/status.
std::string Status(const std::string& name) {
  const std::string text = ReadFile("/proc/self/status");
  const size_t at = text.find("\n" + name + ":\t") + name.size() + 3;
  return text.substr(at, text.find('\n', at) - at);
}

volatile long shared_word = 5;

TEST(PtraceState, MemoryCanBeReadAndWritten) {
  Tracee tracee([] { _exit(shared_word == 42 ? 0 : 1); });
  long word = 0;
  EXPECT_OK(Trace(PTRACE_PEEKDATA, tracee.pid(), &shared_word, &word));
  EXPECT_EQ(5, word);
  EXPECT_OK(Trace(PTRACE_POKEDATA, tracee.pid(), &shared_word, 42));
  EXPECT_EQ(5, shared_word) << "only there";
  EXPECT_ERRNO(Trace(PTRACE_PEEKDATA, tracee.pid(), 8, &word), EIO);
  EXPECT_ERRNO(Trace(PTRACE_POKEDATA, tracee.pid(), 8, 1), EIO);
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

[[gnu::noinline]] int Answer() {
  asm volatile("");
  return 41;
}

TEST(PtraceState, BreakpointInText) {
  Tracee tracee([] { _exit(Answer() == 41 ? 0 : 1); });
  const auto address = reinterpret_cast<unsigned long>(&Answer);
  long text = 0;
  EXPECT_OK(Trace(PTRACE_PEEKTEXT, tracee.pid(), address, &text));
  EXPECT_OK(Trace(PTRACE_POKETEXT, tracee.pid(), address, (text & ~0xffl) | 0xcc));
  EXPECT_EQ(StopOf(SIGTRAP), tracee.Go());
  user_regs_struct registers = tracee.Registers();
  EXPECT_EQ(address + 1, registers.rip);
  siginfo_t info = {};
  EXPECT_OK(Trace(PTRACE_GETSIGINFO, tracee.pid(), 0, &info));
  EXPECT_EQ(SI_KERNEL, info.si_code);
  EXPECT_OK(Trace(PTRACE_POKETEXT, tracee.pid(), address, text));
  registers.rip = address;
  EXPECT_OK(Trace(PTRACE_SETREGS, tracee.pid(), 0, &registers));
  EXPECT_EQ(0, tracee.Go());
  EXPECT_EQ(41, Answer());
  tracee.Forget();
}

TEST(PtraceState, SingleStepsAdvance) {
  Tracee tracee([] { _exit(Answer() == 41 ? 0 : 1); });
  unsigned long before = tracee.Registers().rip;
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(StopOf(SIGTRAP), tracee.Go(PTRACE_SINGLESTEP));
    const user_regs_struct registers = tracee.Registers();
    EXPECT_NE(before, registers.rip);
    EXPECT_EQ(0u, registers.eflags & 0x100) << "the trap flag is the tracer's";
    before = registers.rip;
  }
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

TEST(PtraceState, SingleStepsLeadOverACallAndIntoAHandler) {
  Tracee tracee([] {
    ScopedHandler handler(SIGUSR1, IgnoreSignal, 0);
    raise(SIGUSR1);
    syscall(SYS_getppid);
    _exit(0);
  });
  EXPECT_EQ(StopOf(SIGUSR1), tracee.Go());
  EXPECT_OK(Trace(PTRACE_SINGLESTEP, tracee.pid(), 0, SIGUSR1));
  EXPECT_EQ(StopOf(SIGTRAP), WaitFor(tracee.pid()));
  EXPECT_EQ(reinterpret_cast<unsigned long>(&IgnoreSignal), tracee.Registers().rip);
  int status = 0;
  for (int i = 0; i < 3000 && WIFSTOPPED(status = tracee.Go(PTRACE_SINGLESTEP)); ++i)
    EXPECT_EQ(StopOf(SIGTRAP), status);
  EXPECT_EQ(0, status);
  tracee.Forget();
}

TEST(PtraceState, RegisterSets) {
  Tracee tracee([] { _exit(0); });
  char bytes[8192] = {};
  iovec all = {bytes, sizeof(bytes)};
  EXPECT_OK(Trace(PTRACE_GETREGSET, tracee.pid(), NT_PRSTATUS, &all));
  EXPECT_EQ(sizeof(user_regs_struct), all.iov_len);
  EXPECT_EQ(0, memcmp(bytes, std::begin({tracee.Registers()}), sizeof(user_regs_struct)));
  iovec part = {bytes, 16};
  EXPECT_OK(Trace(PTRACE_GETREGSET, tracee.pid(), NT_PRSTATUS, &part));
  EXPECT_EQ(16u, part.iov_len);
  iovec odd = {bytes, 15};
  EXPECT_ERRNO(Trace(PTRACE_GETREGSET, tracee.pid(), NT_PRSTATUS, &odd), EINVAL);
  EXPECT_ERRNO(Trace(PTRACE_GETREGSET, tracee.pid(), 0x12345, &all), EINVAL);
  user_fpregs_struct fp = {};
  EXPECT_OK(Trace(PTRACE_GETFPREGS, tracee.pid(), 0, &fp));
  EXPECT_EQ(0x1f80u, fp.mxcsr);
  fp.mxcsr = 0x1f00;
  EXPECT_OK(Trace(PTRACE_SETFPREGS, tracee.pid(), 0, &fp));
  iovec extended = {bytes, sizeof(bytes)};
  EXPECT_OK(Trace(PTRACE_GETREGSET, tracee.pid(), NT_X86_XSTATE, &extended));
  EXPECT_GE(extended.iov_len, 576u);
  uint32_t mxcsr = 0;
  memcpy(&mxcsr, bytes + 24, sizeof(mxcsr));
  EXPECT_EQ(0x1f00u, mxcsr);
  uint64_t features = 0;
  memcpy(&features, bytes + 464, sizeof(features));
  EXPECT_EQ(3u, features & 3);
  iovec registers = {bytes, sizeof(user_regs_struct)};
  EXPECT_OK(Trace(PTRACE_GETREGSET, tracee.pid(), NT_PRSTATUS, &registers));
  EXPECT_OK(Trace(PTRACE_SETREGSET, tracee.pid(), NT_PRSTATUS, &registers));
  iovec none = {bytes, 0};
  EXPECT_OK(Trace(PTRACE_SETREGSET, tracee.pid(), NT_PRSTATUS, &none));
  long word = 0;
  EXPECT_OK(Trace(PTRACE_PEEKUSR, tracee.pid(), offsetof(user, regs.rip), &word));
  EXPECT_EQ(tracee.Registers().rip, static_cast<unsigned long>(word));
  EXPECT_OK(Trace(PTRACE_POKEUSR, tracee.pid(), offsetof(user, regs.r15), 123));
  EXPECT_EQ(123u, tracee.Registers().r15);
  EXPECT_ERRNO(Trace(PTRACE_PEEKUSR, tracee.pid(), 3, &word), EIO);
  EXPECT_ERRNO(Trace(PTRACE_PEEKUSR, tracee.pid(), 1024, &word), EIO);
}

TEST(PtraceState, DebugRegisters) {
  Tracee tracee([] { _exit(0); });
  const auto at = [](int number) { return offsetof(user, u_debugreg) + static_cast<size_t>(number) * 8; };
  unsigned long word = 1;
  for (const int number : {0, 3, 4, 5, 7}) {
    EXPECT_OK(Trace(PTRACE_PEEKUSR, tracee.pid(), at(number), &word));
    EXPECT_EQ(0u, word) << number;
  }
  EXPECT_OK(Trace(PTRACE_PEEKUSR, tracee.pid(), at(6), &word));
  EXPECT_EQ(0xffff0ff0u, word);
  EXPECT_OK(Trace(PTRACE_POKEUSR, tracee.pid(), at(6), 0));
  EXPECT_OK(Trace(PTRACE_PEEKUSR, tracee.pid(), at(6), &word));
  EXPECT_EQ(0u, word);
  EXPECT_OK(Trace(PTRACE_POKEUSR, tracee.pid(), at(7), 0));
  EXPECT_ERRNO(Trace(PTRACE_POKEUSR, tracee.pid(), at(4), 1), EIO);
  EXPECT_ERRNO(Trace(PTRACE_POKEUSR, tracee.pid(), at(0), 0xffff800000000000), EINVAL);
}

TEST(PtraceState, BasesByArchPrctl) {
  Tracee tracee([] { _exit(0); });
  unsigned long base = 0;
  EXPECT_OK(Trace(PTRACE_ARCH_PRCTL, tracee.pid(), &base, ARCH_GET_FS));
  EXPECT_EQ(tracee.Registers().fs_base, base);
  EXPECT_OK(Trace(PTRACE_ARCH_PRCTL, tracee.pid(), 0x1000, ARCH_SET_GS));
  EXPECT_EQ(0x1000u, tracee.Registers().gs_base);
  EXPECT_ERRNO(Trace(PTRACE_ARCH_PRCTL, tracee.pid(), 0xffff800000000000, ARCH_SET_GS), EPERM);
  EXPECT_ERRNO(Trace(PTRACE_ARCH_PRCTL, tracee.pid(), &base, 0x9999), EINVAL);
}

struct PeekArguments {
  uint64_t from;
  uint32_t flags;
  int32_t count;
};

TEST(PtraceState, PendingSignalsCanBePeekedAt) {
  Tracee tracee([] {
    ScopedBlock block({SIGRTMIN, SIGUSR1});
    for (int i = 0; i < 3; ++i) {
      siginfo_t info = {};
      info.si_code = SI_QUEUE;
      info.si_value.sival_int = i;
      syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN, &info);
    }
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGSTOP);
    _exit(0);
  });
  EXPECT_EQ(StopOf(SIGSTOP), tracee.Go());
  siginfo_t infos[8] = {};
  const PeekArguments own = {0, 0, 8}, second = {1, 0, 1}, behind = {3, 0, 8}, shared = {0, 1, 8};
  ASSERT_EQ(3, Trace(PTRACE_PEEKSIGINFO, tracee.pid(), &own, infos));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(i, infos[i].si_value.sival_int);
  ASSERT_EQ(1, Trace(PTRACE_PEEKSIGINFO, tracee.pid(), &second, infos));
  EXPECT_EQ(1, infos[0].si_value.sival_int);
  EXPECT_EQ(0, Trace(PTRACE_PEEKSIGINFO, tracee.pid(), &behind, infos));
  ASSERT_EQ(1, Trace(PTRACE_PEEKSIGINFO, tracee.pid(), &shared, infos));
  EXPECT_EQ(SIGUSR1, infos[0].si_signo);
  EXPECT_EQ(tracee.pid(), infos[0].si_pid);
  const PeekArguments flags = {0, 2, 8}, negative = {0, 0, -1};
  EXPECT_ERRNO(Trace(PTRACE_PEEKSIGINFO, tracee.pid(), &flags, infos), EINVAL);
  EXPECT_ERRNO(Trace(PTRACE_PEEKSIGINFO, tracee.pid(), &negative, infos), EINVAL);
  EXPECT_ERRNO(Trace(PTRACE_PEEKSIGINFO, tracee.pid(), 8, infos), EFAULT);
  EXPECT_ERRNO(Trace(PTRACE_PEEKSIGINFO, tracee.pid(), &own, 8), EFAULT);
}

TEST(PtraceState, TheRegistrationOfRseqIsTold) {
  Tracee tracee([] { _exit(0); });
  struct {
    uint64_t address;
    uint32_t size, signature, flags, padding;
  } told = {};
  constexpr long kRequest = 0x420f;  // PTRACE_GET_RSEQ_CONFIGURATION
  ASSERT_EQ(static_cast<long>(sizeof told), Trace(kRequest, tracee.pid(), sizeof told, &told));
  // The fork of a thread that the C library has registered.
  EXPECT_EQ(reinterpret_cast<uint64_t>(__builtin_thread_pointer()) + static_cast<uint64_t>(__rseq_offset),
            told.address);
  EXPECT_GE(told.size, 32u);
  EXPECT_EQ(0x53053053u, told.signature);
  ASSERT_EQ(static_cast<long>(sizeof told), Trace(kRequest, tracee.pid(), 8, &told)) << "as much as there is room for";
}

// A filter under which getppid(2) fails.
void RefuseGetppid(int error) {
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program = {4, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) _exit(2);
}

TEST(PtraceState, SeccompFiltersCanBeRead) {
  REQUIRE_CAPABILITY(CAP_SYS_ADMIN);
  if (Status("Seccomp") != "0") GTEST_SKIP() << "one who is under a filter may not";
  Tracee tracee([] {
    RefuseGetppid(11);
    RefuseGetppid(22);
    raise(SIGUSR1);
  });
  sock_filter code[16] = {};
  EXPECT_ERRNO(Trace(PTRACE_SECCOMP_GET_FILTER, tracee.pid(), 0, code), EINVAL);
  EXPECT_EQ(StopOf(SIGUSR1), tracee.Go());
  EXPECT_EQ(4, Trace(PTRACE_SECCOMP_GET_FILTER, tracee.pid(), 0, nullptr));
  EXPECT_EQ(4, Trace(PTRACE_SECCOMP_GET_FILTER, tracee.pid(), 0, code));
  EXPECT_EQ(SECCOMP_RET_ERRNO | 11u, code[2].k) << "the oldest";
  EXPECT_EQ(4, Trace(PTRACE_SECCOMP_GET_FILTER, tracee.pid(), 1, code));
  EXPECT_EQ(SECCOMP_RET_ERRNO | 22u, code[2].k);
  EXPECT_ERRNO(Trace(PTRACE_SECCOMP_GET_FILTER, tracee.pid(), 2, code), ENOENT);
  struct {
    uint64_t number, flags;
  } metadata = {1, 99};
  EXPECT_EQ(16, Trace(PTRACE_SECCOMP_GET_METADATA, tracee.pid(), 64, &metadata));
  EXPECT_EQ(0u, metadata.flags);
  EXPECT_ERRNO(Trace(PTRACE_SECCOMP_GET_METADATA, tracee.pid(), 4, &metadata), EINVAL);
}

TEST(PtraceState, SeccompCanBeSuspended) {
  REQUIRE_CAPABILITY(CAP_SYS_ADMIN);
  if (Status("Seccomp") != "0") GTEST_SKIP() << "one who is under a filter may not";
  Tracee tracee([] {
    RefuseGetppid(EXDEV);
    raise(SIGUSR1);
    if (syscall(SYS_getppid) <= 0) _exit(3);
    raise(SIGUSR1);
    _exit(syscall(SYS_getppid) == -1 && errno == EXDEV ? 0 : 1);
  });
  EXPECT_EQ(StopOf(SIGUSR1), tracee.Go());
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, PTRACE_O_SUSPEND_SECCOMP));
  EXPECT_EQ(StopOf(SIGUSR1), tracee.Go());
  EXPECT_OK(Trace(PTRACE_SETOPTIONS, tracee.pid(), 0, 0));
  EXPECT_EQ(0, tracee.Go());
  tracee.Forget();
}

}  // namespace
}  // namespace guest
