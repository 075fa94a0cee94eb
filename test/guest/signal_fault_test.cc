// Hardware faults: their siginfo, their context, and the state of the processor across handlers.
#include <immintrin.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include <atomic>
#include <cfenv>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

sigjmp_buf jump;
siginfo_t fault;
greg_t fault_error, fault_trap, fault_cr2, fault_rip;

void OnFault(int, siginfo_t* info, void* context) {
  fault = *info;
  const greg_t* regs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  fault_error = regs[REG_ERR];
  fault_trap = regs[REG_TRAPNO];
  fault_cr2 = regs[REG_CR2];
  fault_rip = regs[REG_RIP];
  siglongjmp(jump, 1);
}

// Runs `code` and expects that it raises the signal with this code.
template <typename Code>
void ExpectFault(int signal, int si_code, Code code) {
  ScopedHandler handler(signal, OnFault, 0);
  fault = {};
  if (sigsetjmp(jump, 1) == 0) {
    code();
    FAIL() << "no fault";
  }
  EXPECT_EQ(signal, fault.si_signo);
  EXPECT_EQ(si_code, fault.si_code);
}

char* Map(int protection, size_t size = 4096) {
  void* p = mmap(nullptr, size, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EXPECT_OK(p);
  return static_cast<char*>(p);
}

TEST(Fault, ReadOfUnmappedMemoryIsMaperr) {
  auto* p = reinterpret_cast<volatile char*>(0x12340);
  ExpectFault(SIGSEGV, SEGV_MAPERR, [&] { (void)*p; });
  EXPECT_EQ(p, fault.si_addr);
  EXPECT_EQ(14, fault_trap);
  EXPECT_EQ(0x12340, fault_cr2);
  EXPECT_EQ(4, fault_error) << "user mode, read, not present";
}

TEST(Fault, WriteToUnmappedMemoryHasTheWriteBit) {
  auto* p = reinterpret_cast<volatile char*>(0x12345);
  ExpectFault(SIGSEGV, SEGV_MAPERR, [&] { *p = 1; });
  EXPECT_EQ(p, fault.si_addr);
  EXPECT_EQ(6, fault_error);
}

TEST(Fault, WriteToReadOnlyMemoryIsAccerr) {
  volatile char* p = Map(PROT_READ);
  (void)*p;
  ExpectFault(SIGSEGV, SEGV_ACCERR, [&] { p[17] = 1; });
  EXPECT_EQ(p + 17, fault.si_addr);
  EXPECT_EQ(7, fault_error);
  munmap(const_cast<char*>(p), 4096);
}

TEST(Fault, AccessToProtNoneIsAccerr) {
  volatile char* p = Map(PROT_NONE);
  ExpectFault(SIGSEGV, SEGV_ACCERR, [&] { (void)p[5]; });
  EXPECT_EQ(p + 5, fault.si_addr);
  munmap(const_cast<char*>(p), 4096);
}

TEST(Fault, ExecutionOfDataIsAccerrAtTheInstruction) {
  char* p = Map(PROT_READ | PROT_WRITE);
  p[0] = static_cast<char>(0xc3);
  ExpectFault(SIGSEGV, SEGV_ACCERR, [&] { reinterpret_cast<void (*)()>(p)(); });
  EXPECT_EQ(p, fault.si_addr);
  EXPECT_EQ(AsLong(p), fault_rip);
  munmap(p, 4096);
}

TEST(Fault, JumpToNullIsMaperrAtZero) {
  void (*volatile null)() = nullptr;
  ExpectFault(SIGSEGV, SEGV_MAPERR, [&] { null(); });
  EXPECT_EQ(nullptr, fault.si_addr);
  EXPECT_EQ(0, fault_rip);
}

TEST(Fault, NonCanonicalAddressIsAKernelCodeWithoutAddress) {
  auto* p = reinterpret_cast<volatile char*>(0x8000000000000000);
  ExpectFault(SIGSEGV, SI_KERNEL, [&] { (void)*p; });
  EXPECT_EQ(nullptr, fault.si_addr);
  EXPECT_EQ(13, fault_trap);
}

TEST(Fault, KernelAddressIsMaperr) {
  auto* p = reinterpret_cast<volatile char*>(0xffffffff81000000);
  ExpectFault(SIGSEGV, SEGV_MAPERR, [&] { (void)*p; });
  EXPECT_EQ(p, fault.si_addr);
}

TEST(Fault, PrivilegedInstructionIsAKernelCode) {
  ExpectFault(SIGSEGV, SI_KERNEL, [] { asm volatile("hlt"); });
  EXPECT_EQ(13, fault_trap);
}

TEST(Fault, IoInstructionIsAKernelCode) {
  ExpectFault(SIGSEGV, SI_KERNEL, [] { asm volatile("inb $0x80, %%al" ::: "rax"); });
}

TEST(Fault, UndefinedInstructionIsIllopn) {
  ExpectFault(SIGILL, ILL_ILLOPN, [] { asm volatile("ud2"); });
  EXPECT_EQ(6, fault_trap);
  EXPECT_EQ(fault_rip, AsLong(fault.si_addr));
}

TEST(Fault, IntegerDivisionByZeroIsIntdiv) {
  volatile int zero = 0, result = 1;
  ExpectFault(SIGFPE, FPE_INTDIV, [&] { result = result / zero; });
  EXPECT_EQ(0, fault_trap);
  EXPECT_EQ(fault_rip, AsLong(fault.si_addr));
}

TEST(Fault, UnmaskedFloatingPointDivisionIsFltdiv) {
  volatile double zero = 0, result = 1;
  ExpectFault(SIGFPE, FPE_FLTDIV, [&] {
    feenableexcept(FE_DIVBYZERO);
    result = result / zero;
  });
  fedisableexcept(FE_DIVBYZERO);
  feclearexcept(FE_ALL_EXCEPT);
}

TEST(Fault, UnmaskedInvalidIsFltinv) {
  volatile double zero = 0, result;
  ExpectFault(SIGFPE, FPE_FLTINV, [&] {
    feenableexcept(FE_INVALID);
    result = zero / zero;
  });
  fedisableexcept(FE_INVALID);
  feclearexcept(FE_ALL_EXCEPT);
}

TEST(Fault, BreakpointIsATrapFromTheKernel) {
  ExpectFault(SIGTRAP, SI_KERNEL, [] { asm volatile("int3"); });
  EXPECT_EQ(3, fault_trap);
}

TEST(Fault, SingleStepIsTrapTrace) {
  ExpectFault(SIGTRAP, TRAP_TRACE, [] {
    asm volatile(
        "sub $128, %%rsp\n"
        "pushfq\n"
        "orq $0x100, (%%rsp)\n"
        "popfq\n"
        "nop\n"
        "add $128, %%rsp\n" ::
            : "memory", "cc");
  });
  asm volatile(
      "sub $128, %%rsp\n"
      "pushfq\n"
      "andq $~0x100, (%%rsp)\n"
      "popfq\n"
      "add $128, %%rsp\n" ::
          : "memory", "cc");
}

TEST(Fault, AccessPastTheEndOfAMappedFileIsAdrerr) {
  ScopedTempDir dir;
  WriteFile(dir / "f", "x");
  Fd fd(open((dir / "f").c_str(), O_RDWR));
  volatile char* p = static_cast<char*>(mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
  ASSERT_OK(const_cast<char*>(p));
  EXPECT_EQ('x', p[0]);
  EXPECT_EQ(0, p[4095]) << "the rest of the last page is zero";
  ExpectFault(SIGBUS, BUS_ADRERR, [&] { (void)p[4100]; });
  EXPECT_EQ(p + 4100, fault.si_addr);
  munmap(const_cast<char*>(p), 8192);
}

TEST(Fault, FileTruncatedUnderAMappingIsAdrerr) {
  ScopedTempDir dir;
  WriteFile(dir / "f", std::string(8192, 'x'));
  Fd fd(open((dir / "f").c_str(), O_RDWR));
  volatile char* p = static_cast<char*>(mmap(nullptr, 8192, PROT_READ, MAP_SHARED, fd.get(), 0));
  EXPECT_EQ('x', p[5000]);
  ASSERT_OK(ftruncate(fd.get(), 100));
  EXPECT_EQ(0, p[200]);
  ExpectFault(SIGBUS, BUS_ADRERR, [&] { (void)p[5000]; });
  EXPECT_EQ(p + 5000, fault.si_addr);
  munmap(const_cast<char*>(p), 8192);
}

TEST(Fault, AlignmentCheckIsAdraln) {
  // The flag stays set in the handler, so that it may do next to nothing.
  InChild([] {
    ScopedHandler handler(
        SIGBUS, [](int, siginfo_t* info, void*) { _exit(info->si_code == BUS_ADRALN ? 0 : 2); }, 0);
    alignas(8) char data[16] = {};
    asm volatile(
        "sub $128, %%rsp\n"
        "pushfq\n"
        "orq $0x40000, (%%rsp)\n"
        "popfq\n"
        "movl 1(%0), %%eax\n"
        "pushfq\n"
        "andq $~0x40000, (%%rsp)\n"
        "popfq\n" ::"r"(data)
        : "memory", "cc", "rax");
    _exit(3);
  });
}

TEST(Fault, HandlerMayRepairAndRetry) {
  static char* page;
  page = Map(PROT_NONE);
  ScopedHandler handler(SIGSEGV, [](int) { mprotect(page, 4096, PROT_READ | PROT_WRITE); });
  *static_cast<volatile char*>(page) = 5;
  EXPECT_EQ(5, *page);
  munmap(page, 4096);
}

TEST(Fault, HandlerMaySkipTheInstruction) {
  ScopedHandler handler(
      SIGILL,
      [](int, siginfo_t*, void* context) { static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += 2; }, 0);
  for (int i = 0; i < 100; ++i) asm volatile("ud2");
}

TEST(Fault, HandlerMayChangeRegisters) {
  ScopedHandler handler(
      SIGILL,
      [](int, siginfo_t*, void* context) {
        greg_t* regs = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
        regs[REG_RIP] += 2;
        regs[REG_RBX] = 0x123456789abcdef;
        regs[REG_R15] += 1;
      },
      0);
  uint64_t rbx = 1, r15 = 41;
  asm volatile(
      "mov %1, %%r15\n"
      "ud2\n"
      "mov %%r15, %1\n"
      : "=b"(rbx), "+r"(r15)::"r15", "memory");
  EXPECT_EQ(0x123456789abcdefu, rbx);
  EXPECT_EQ(42u, r15);
}

TEST(Fault, AllGeneralRegistersSurvive) {
  ScopedHandler handler(
      SIGILL,
      [](int, siginfo_t*, void* context) { static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += 2; }, 0);
  uint64_t sum = 0;
  asm volatile(
      "push %%rbp\n"
      "mov $1, %%rax\n mov $2, %%rbx\n mov $3, %%rcx\n mov $4, %%rdx\n mov $5, %%rsi\n mov $6, %%rdi\n"
      "mov $7, %%rbp\n mov $8, %%r8\n mov $9, %%r9\n mov $10, %%r10\n mov $11, %%r11\n mov $12, %%r12\n"
      "mov $13, %%r13\n mov $14, %%r14\n mov $15, %%r15\n"
      "ud2\n"
      "lea (%%rax,%%rbx), %%rax\n add %%rcx, %%rax\n add %%rdx, %%rax\n add %%rsi, %%rax\n add %%rdi, %%rax\n"
      "add %%rbp, %%rax\n add %%r8, %%rax\n add %%r9, %%rax\n add %%r10, %%rax\n add %%r11, %%rax\n"
      "add %%r12, %%rax\n add %%r13, %%rax\n add %%r14, %%rax\n add %%r15, %%rax\n"
      "pop %%rbp\n"
      : "=a"(sum)::"rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory",
        "cc");
  EXPECT_EQ(120u, sum);
}

TEST(Fault, BlockedFaultKills) {
  int status = StatusOf([] {
    ScopedHandler handler(SIGSEGV, [](int) { _exit(1); });
    ScopedBlock block({SIGSEGV});
    *reinterpret_cast<volatile char*>(8) = 1;
  });
  EXPECT_EQ(SIGSEGV, WTERMSIG(status)) << DescribeStatus(status);
}

TEST(Fault, IgnoredFaultKills) {
  int status = StatusOf([] {
    signal(SIGSEGV, SIG_IGN);
    *reinterpret_cast<volatile char*>(8) = 1;
  });
  EXPECT_EQ(SIGSEGV, WTERMSIG(status)) << DescribeStatus(status);
}

TEST(Fault, FaultInItsOwnHandlerKills) {
  int status = StatusOf([] {
    ScopedHandler handler(SIGSEGV, [](int) { *reinterpret_cast<volatile char*>(8) = 1; });
    *reinterpret_cast<volatile char*>(8) = 1;
  });
  EXPECT_EQ(SIGSEGV, WTERMSIG(status)) << DescribeStatus(status);
}

TEST(Fault, InAThreadGoesToThatThread) {
  static std::atomic<pid_t> taker;
  ScopedHandler handler(
      SIGILL,
      [](int, siginfo_t*, void* context) {
        taker = static_cast<pid_t>(syscall(SYS_gettid));
        static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP] += 2;
      },
      0);
  pid_t tid = 0;
  std::thread([&] {
    tid = static_cast<pid_t>(syscall(SYS_gettid));
    asm volatile("ud2");
  }).join();
  EXPECT_EQ(tid, taker);
}

TEST(CoreDump, StatusBitFollowsTheLimit) {
  // With a limit of zero nothing is dumped, and the bit says so.
  int status = StatusOf([] {
    rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    raise(SIGABRT);
  });
  EXPECT_EQ(SIGABRT, WTERMSIG(status));
  EXPECT_FALSE(WCOREDUMP(status));
}

TEST(FpState, SseRegistersSurviveAHandlerThatUsesThem) {
  ScopedHandler handler(SIGUSR1, [](int) {
    asm volatile("pcmpeqd %%xmm0, %%xmm0\n movdqa %%xmm0, %%xmm7\n movdqa %%xmm0, %%xmm15" ::: "xmm0", "xmm7", "xmm15");
  });
  pid_t pid = getpid();
  long result = SYS_kill;
  uint64_t low = 0, high = 0;
  asm volatile(
      "movq %3, %%xmm0\n movq %3, %%xmm7\n movq %3, %%xmm15\n"
      "syscall\n"
      "movq %%xmm7, %1\n movq %%xmm15, %2\n"
      : "+a"(result), "=&r"(low), "=&r"(high)
      : "r"(0x1122334455667788ul), "D"(static_cast<long>(pid)), "S"(static_cast<long>(SIGUSR1))
      : "rcx", "r11", "xmm0", "xmm7", "xmm15", "memory");
  EXPECT_EQ(0, result);
  EXPECT_EQ(0x1122334455667788u, low);
  EXPECT_EQ(0x1122334455667788u, high);
}

__attribute__((target("avx"))) void CheckAvx() {
  ScopedHandler handler(SIGUSR1, [](int) { asm volatile("vzeroall"); });
  alignas(32) uint64_t in[4] = {1, 2, 3, 4}, out[4] = {};
  pid_t pid = getpid();
  long result = SYS_kill;
  asm volatile(
      "vmovdqa (%1), %%ymm5\n"
      "syscall\n"
      "vmovdqa %%ymm5, (%2)\n"
      "vzeroupper\n"
      : "+a"(result)
      : "r"(in), "r"(out), "D"(static_cast<long>(pid)), "S"(static_cast<long>(SIGUSR1))
      : "rcx", "r11", "xmm5", "memory");
  for (int i = 0; i < 4; ++i) EXPECT_EQ(in[i], out[i]);
}

TEST(FpState, AvxRegistersSurviveAHandlerThatClearsThem) {
  if (!__builtin_cpu_supports("avx")) GTEST_SKIP() << "no AVX";
  CheckAvx();
}

TEST(FpState, ControlWordsSurviveAndAreDefaultInTheHandler) {
  static std::atomic<unsigned> mxcsr_inside;
  ScopedHandler handler(SIGUSR1, [](int) {
    mxcsr_inside = _mm_getcsr();
    _mm_setcsr(0x1f80);
  });
  unsigned before = _mm_getcsr();
  _mm_setcsr(0x7f80);
  raise(SIGUSR1);
  unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  EXPECT_EQ(0x7f80u, after);
  EXPECT_EQ(0x1f80u, mxcsr_inside);
}

TEST(FpState, HandlerMayChangeItInTheFrame) {
  ScopedHandler handler(
      SIGUSR1,
      [](int, siginfo_t*, void* context) {
        auto* fp = static_cast<ucontext_t*>(context)->uc_mcontext.fpregs;
        for (uint32_t& element : fp->_xmm[6].element) element = 0xabcdabcd;
      },
      0);
  pid_t pid = getpid();
  long result = SYS_kill;
  uint64_t got = 0;
  asm volatile(
      "pxor %%xmm6, %%xmm6\n"
      "syscall\n"
      "movq %%xmm6, %1\n"
      : "+a"(result), "=&r"(got)
      : "D"(static_cast<long>(pid)), "S"(static_cast<long>(SIGUSR1))
      : "rcx", "r11", "xmm6", "memory");
  EXPECT_EQ(0xabcdabcdabcdabcdu, got);
}

TEST(FpState, IsPerThreadUnderPreemption) {
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (uint64_t n = 1; n <= 8; ++n) {
    threads.emplace_back([n, &wrong] {
      for (int i = 0; i < 2000; ++i) {
        uint64_t got = 0;
        long nr = SYS_sched_yield;
        asm volatile("movq %2, %%xmm9\n syscall\n movq %%xmm9, %1\n"
                     : "+a"(nr), "=&r"(got)
                     : "r"(n * 0x0101010101010101)
                     : "rcx", "r11", "xmm9", "memory");
        if (got != n * 0x0101010101010101) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(0, wrong);
}

TEST(FpState, IsCopiedByFork) {
  uint64_t got = 0;
  long nr = SYS_fork;
  asm volatile("movq %2, %%xmm9\n syscall\n movq %%xmm9, %1\n"
               : "+a"(nr), "=&r"(got)
               : "r"(0x5566778899aabbccul)
               : "rcx", "r11", "xmm9", "memory");
  if (nr == 0) _exit(got == 0x5566778899aabbcc ? 0 : 1);
  int status = -1;
  waitpid(static_cast<pid_t>(nr), &status, 0);
  EXPECT_EQ(0, status);
  EXPECT_EQ(0x5566778899aabbccu, got);
}

TEST(Syscall, PreservesAllButThreeRegisters) {
  uint64_t bad = 1;
  long nr = SYS_getppid;
  asm volatile(
      "mov $0x11, %%rbx\n mov $0x22, %%rdx\n mov $0x33, %%rsi\n mov $0x44, %%rdi\n mov $0x88, %%r8\n"
      "mov $0x99, %%r9\n mov $0xaa, %%r10\n mov $0xcc, %%r12\n mov $0xdd, %%r13\n mov $0xee, %%r14\n"
      "syscall\n"
      "sub $0x11, %%rbx\n sub $0x22, %%rdx\n sub $0x33, %%rsi\n sub $0x44, %%rdi\n sub $0x88, %%r8\n"
      "sub $0x99, %%r9\n sub $0xaa, %%r10\n sub $0xcc, %%r12\n sub $0xdd, %%r13\n sub $0xee, %%r14\n"
      "or %%rdx, %%rbx\n or %%rsi, %%rbx\n or %%rdi, %%rbx\n or %%r8, %%rbx\n or %%r9, %%rbx\n or %%r10, %%rbx\n"
      "or %%r12, %%rbx\n or %%r13, %%rbx\n or %%r14, %%rbx\n"
      "mov %%rbx, %1\n"
      : "+a"(nr), "=m"(bad)::"rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "memory",
        "cc");
  EXPECT_EQ(0u, bad);
}

}  // namespace
}  // namespace guest
