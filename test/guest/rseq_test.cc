// rseq(2): who may register what, the processor's number in the application's memory, sequences that abort. The C
// library has registered each thread when a test starts; a case that needs a thread without ends that first.
#include <gtest/gtest.h>
#include <linux/rseq.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include "test/guest/support/child.h"
#include "test/guest/support/errno.h"
#include "test/guest/support/role.h"

// Two sequences. The signature stands before where they abort to.
asm(R"(
        .pushsection .data.rseq_cs, "aw"
        .balign 32
sequence_spin:
        .long   0, 0
        .quad   spin_start, spin_end - spin_start, spin_abort
        .balign 32
sequence_add:
        .long   0, 0
        .quad   add_start, add_end - add_start, add_abort
        .popsection

        .text
// rdi: struct rseq; rsi: a counter. Counts until the sequence is aborted.
        .globl  spin_until_aborted
spin_until_aborted:
        lea     sequence_spin(%rip), %rax
        mov     %rax, 8(%rdi)
spin_start:
        incq    (%rsi)
        jmp     spin_start
spin_end:
        .byte   0x0f, 0xb9, 0x3d
        .long   0x53053053
        .globl  spin_abort
spin_abort:
        ret

// rdi: struct rseq; rsi: one counter for each processor, 64 bytes apart. Adds 1 to this processor's and returns 1; 0 when
// it was aborted before that.
        .globl  add_on_this_processor
add_on_this_processor:
        lea     sequence_add(%rip), %rax
        mov     %rax, 8(%rdi)
add_start:
        mov     4(%rdi), %eax
        shl     $6, %rax
        mov     (%rsi,%rax), %rcx
        inc     %rcx
        mov     $500, %edx
1:      dec     %edx
        jnz     1b
        mov     %rcx, (%rsi,%rax)
add_end:
        movq    $0, 8(%rdi)
        mov     $1, %eax
        ret
        .byte   0x0f, 0xb9, 0x3d
        .long   0x53053053
add_abort:
        xor     %eax, %eax
        ret
)");
extern "C" {
void spin_until_aborted(void* area, volatile uint64_t* counter);
int add_on_this_processor(void* area, uint64_t* counters);
extern const char spin_abort[];
}

namespace guest {
namespace {

constexpr uint32_t kSignature = 0x53053053;
constexpr uint32_t kSize = 32;

using Area = struct rseq;

// The C library's area of the calling thread.
volatile Area* OwnArea() {
  return reinterpret_cast<volatile Area*>(static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset);
}
long Rseq(volatile void* area, uint32_t size, int flags, uint32_t signature = kSignature) {
  return syscall(SYS_rseq, area, size, flags, signature);
}
long Unregister(volatile void* area, uint32_t size = kSize) { return Rseq(area, size, RSEQ_FLAG_UNREGISTER); }

struct alignas(64) BigArea {
  char bytes[64] = {};
  Area* area() { return reinterpret_cast<Area*>(bytes); }
};

std::vector<int> AllowedProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  EXPECT_OK(sched_getaffinity(0, sizeof set, &set));
  std::vector<int> out;
  for (int i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &set)) out.push_back(i);
  return out;
}
void RunOn(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  ASSERT_OK(sched_setaffinity(0, sizeof set, &set));
}

// Expects that the area follows the calling thread from processor to processor.
void ExpectFollows(volatile Area* area) {
  for (const int processor : AllowedProcessors()) {
    RunOn(processor);
    EXPECT_EQ(processor, static_cast<int>(area->cpu_id));
    EXPECT_EQ(processor, static_cast<int>(area->cpu_id_start));
    EXPECT_EQ(processor, sched_getcpu());
    unsigned answered = ~0u;
    EXPECT_OK(syscall(SYS_getcpu, &answered, nullptr, nullptr));
    EXPECT_EQ(processor, static_cast<int>(answered));
  }
}

std::atomic<uint64_t> interrupted_at;
void NoteWhere(int, siginfo_t*, void* context) {
  interrupted_at = static_cast<uint64_t>(static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_RIP]);
}
// A signal ends a sequence that would never end by itself, and its handler sees where the thread goes on.
void ExpectSignalAborts(volatile Area* area) {
  struct sigaction action = {};
  action.sa_sigaction = NoteWhere;
  action.sa_flags = SA_SIGINFO;
  ASSERT_OK(sigaction(SIGUSR1, &action, nullptr));
  for (int round = 0; round < 5; ++round) {
    volatile uint64_t counter = 0;
    const pid_t thread = gettid();
    std::thread other([&] {
      while (counter == 0) sched_yield();
      // It may have been preempted before: then the signal comes too late for that round.
      syscall(SYS_tgkill, getpid(), thread, SIGUSR1);
    });
    spin_until_aborted(const_cast<Area*>(area), &counter);
    other.join();
    EXPECT_GT(counter, 0u);
    EXPECT_EQ(0u, area->rseq_cs);
  }
}

TEST(Rseq, TheLibraryRegistersEachThread) {
  ASSERT_GE(__rseq_size, 20u);
  constexpr unsigned long kFeatureSize = 27;  // AT_RSEQ_FEATURE_SIZE, AT_RSEQ_ALIGN
  constexpr unsigned long kAlign = 28;
  EXPECT_GE(getauxval(kFeatureSize), 20u);
  EXPECT_GE(getauxval(kAlign), kSize);
  const auto check = [] {
    EXPECT_GE(static_cast<int>(OwnArea()->cpu_id), 0);
    EXPECT_ERRNO(Rseq(OwnArea(), kSize, 0), EBUSY);
    EXPECT_ERRNO(Rseq(OwnArea(), kSize, 0, 1), EPERM);
    BigArea other;
    EXPECT_ERRNO(Rseq(&other, kSize, 0), EINVAL) << "one at a time";
    EXPECT_ERRNO(Rseq(OwnArea(), 64, 0), EINVAL);
  };
  check();
  for (int i = 0; i < 20; ++i) std::thread(check).join();
}

TEST(Rseq, RegistrationIsChecked) {
  InChild([] {
    volatile Area* own = OwnArea();
    EXPECT_ERRNO(Rseq(own, kSize, 2), EINVAL);
    EXPECT_ERRNO(Rseq(own, kSize, RSEQ_FLAG_UNREGISTER | 2), EINVAL);
    EXPECT_ERRNO(Rseq(own, kSize, RSEQ_FLAG_UNREGISTER, 1), EPERM);
    EXPECT_ERRNO(Unregister(own, 64), EINVAL);
    EXPECT_ERRNO(Unregister(nullptr), EINVAL);
    ASSERT_OK(Unregister(own));
    EXPECT_EQ(static_cast<uint32_t>(RSEQ_CPU_ID_UNINITIALIZED), own->cpu_id);
    EXPECT_ERRNO(Unregister(own), EINVAL);

    BigArea big;
    char* bytes = big.bytes;
    EXPECT_ERRNO(Rseq(bytes, 7, 0), EINVAL);
    EXPECT_ERRNO(Rseq(bytes, 31, 0), EINVAL);
    EXPECT_ERRNO(Rseq(bytes + 16, kSize, 0), EINVAL);
    EXPECT_ERRNO(Rseq(bytes + 8, 40, 0), EINVAL);
    EXPECT_ERRNO(Rseq(reinterpret_cast<void*>(0xffff800000000000), kSize, 0), EFAULT);
    void* gone = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(gone, 4096);
    EXPECT_ERRNO(Rseq(gone, kSize, 0), EFAULT);
    EXPECT_ERRNO(Unregister(bytes), EINVAL);

    big.area()->rseq_cs = 1;
    ASSERT_OK(Rseq(bytes, 64, 0, 0));
    EXPECT_ERRNO(Rseq(bytes, 64, 0, 0), EBUSY);
    EXPECT_ERRNO(Rseq(bytes, 64, RSEQ_FLAG_UNREGISTER, 1), EPERM);
    ASSERT_OK(Rseq(bytes, 64, RSEQ_FLAG_UNREGISTER, 0));
    ASSERT_OK(Rseq(own, kSize, 0));
    ExpectFollows(own);
  });
}

TEST(Rseq, TheNumberFollowsTheThread) {
  InChild([] { ExpectFollows(OwnArea()); });
  std::thread([] { ExpectFollows(OwnArea()); }).join();
}

TEST(Rseq, AnotherThreadCanBeMoved) {
  const std::vector<int> processors = AllowedProcessors();
  std::atomic<pid_t> thread{0};
  std::atomic<bool> done{false};
  std::atomic<int> seen{-1};
  std::thread moved([&] {
    thread = gettid();
    while (!done) seen = static_cast<int>(OwnArea()->cpu_id);
  });
  while (thread == 0) sched_yield();
  for (int round = 0; round < 6; ++round) {
    const int processor = processors[static_cast<size_t>(round) % processors.size()];
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    EXPECT_OK(sched_setaffinity(thread, sizeof set, &set));
    seen = -1;
    while (seen != processor) sched_yield();
  }
  done = true;
  moved.join();
}

TEST(Rseq, AChildIsBoundAsItsParent) {
  for (const int processor : AllowedProcessors())
    InChild([&] {
      RunOn(processor);
      InChild([&] { EXPECT_EQ(processor, static_cast<int>(OwnArea()->cpu_id)); });
      std::thread([&] { EXPECT_EQ(processor, static_cast<int>(OwnArea()->cpu_id)); }).join();
    });
}

TEST(Rseq, AForkedChildIsRegisteredAsItsParentWas) {
  InChild([] {
    EXPECT_ERRNO(Rseq(OwnArea(), kSize, 0), EBUSY);
    ExpectFollows(OwnArea());
    ExpectSignalAborts(OwnArea());
    InChild([] {
      ExpectSignalAborts(OwnArea());
      EXPECT_OK(Unregister(OwnArea()));
      InChild([] { EXPECT_ERRNO(Unregister(OwnArea()), EINVAL) << "nothing to inherit"; });
    });
    EXPECT_ERRNO(Rseq(OwnArea(), kSize, 0), EBUSY) << "the child's call was its own";
  });
}

TEST(Rseq, ChildrenThatShareTheMemoryAreNot) {
  volatile Area* own = OwnArea();
  const pid_t child = vfork();
  if (child == 0) _exit(Unregister(own) == -1 && errno == EINVAL ? 0 : 1);
  ASSERT_OK(child);
  int status = -1;
  EXPECT_EQ(child, waitpid(child, &status, 0));
  EXPECT_EQ(0, status);
  EXPECT_ERRNO(Rseq(own, kSize, 0), EBUSY);
}

void CheckNewProgram() {
  EXPECT_ERRNO(Rseq(OwnArea(), kSize, 0), EBUSY) << "by the new program's C library";
  ExpectFollows(OwnArea());
  ExpectSignalAborts(OwnArea());
}

TEST(Rseq, ExecveEndsIt) {
  InChild([] {
    ASSERT_OK(Unregister(OwnArea()));
    BigArea* far = new BigArea;
    ASSERT_OK(Rseq(far, 64, 0));
    execve(SelfPath().c_str(), RoleArgs("rseq_after_exec").argv(), environ);
    FAIL() << "execve";
  });
}

TEST(Rseq, ASignalAbortsASequence) { ExpectSignalAborts(OwnArea()); }

TEST(Rseq, ATimersHandlerSeesWhereTheThreadGoesOn) {
  InChild([] {
    struct sigaction action = {};
    action.sa_sigaction = NoteWhere;
    action.sa_flags = SA_SIGINFO;
    ASSERT_OK(sigaction(SIGVTALRM, &action, nullptr));
    // A sequence that preemption has aborted is started again, so some signal comes in the middle of one.
    const struct itimerval often = {{0, 20'000}, {0, 20'000}};
    ASSERT_OK(setitimer(ITIMER_VIRTUAL, &often, nullptr));
    volatile uint64_t counter = 0;
    for (;;) {
      interrupted_at = 0;
      spin_until_aborted(const_cast<Area*>(OwnArea()), &counter);
      if (interrupted_at == reinterpret_cast<uint64_t>(spin_abort)) break;
    }
  });
}

TEST(Rseq, PreemptionAbortsASequence) {
  InChild([] {
    RunOn(AllowedProcessors().front());
    std::atomic<bool> done{false};
    std::thread rival([&] {
      while (!done) {
      }
    });
    volatile uint64_t counter = 0;
    for (int i = 0; i < 5; ++i) spin_until_aborted(const_cast<Area*>(OwnArea()), &counter);
    done = true;
    rival.join();
  });
}

TEST(Rseq, CountersOfEachProcessorLoseNothing) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 20'000;
  std::vector<BigArea> counters(CPU_SETSIZE);
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (int done = 0; done < kRounds;) {
        done += add_on_this_processor(const_cast<Area*>(OwnArea()), reinterpret_cast<uint64_t*>(counters.data()));
        if (done % 1000 == 0) sched_yield();
      }
    });
  for (std::thread& each : threads) each.join();
  uint64_t sum = 0;
  for (BigArea& each : counters) sum += *reinterpret_cast<uint64_t*>(each.bytes);
  EXPECT_EQ(static_cast<uint64_t>(kThreads) * kRounds, sum);
}

TEST(Rseq, MemoryOfAnEndedThreadIsNotWritten) {
  constexpr size_t kPages = 16 * 4096;
  auto* memory = static_cast<char*>(mmap(nullptr, kPages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(MAP_FAILED, memory);
  for (int round = 0; round < 20; ++round) {
    std::thread([&] {
      EXPECT_OK(Unregister(OwnArea()));
      EXPECT_OK(Rseq(memory, 64, 0));
      sched_yield();
    }).join();
    std::fill(memory, memory + kPages, 0x55);
    std::vector<std::thread> others;
    for (int i = 0; i < 4; ++i) others.emplace_back([] { sched_yield(); });
    for (std::thread& each : others) each.join();
    EXPECT_EQ(static_cast<ptrdiff_t>(kPages), std::count(memory, memory + kPages, 0x55));
  }
  munmap(memory, kPages);
}

// Ends by the signal however long it takes until the host looks at the area.
TEST(Rseq, AreaThatIsGoneIsASegmentationFault) {
  const int status = StatusOf([] {
    void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (Unregister(OwnArea()) != 0 || Rseq(page, kSize, 0) != 0 || munmap(page, 4096) != 0) _exit(1);
    for (;;) {
      const std::vector<int> processors = AllowedProcessors();
      for (const int processor : processors) RunOn(processor);
      sched_yield();
    }
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << DescribeStatus(status);
}

TEST(Rseq, AbortWithoutTheSignatureIsASegmentationFault) {
  const int status = StatusOf([] {
    if (Unregister(OwnArea()) != 0 || Rseq(OwnArea(), kSize, 0, kSignature + 1) != 0) _exit(1);
    volatile uint64_t counter = 0;
    const struct itimerval soon = {{0, 0}, {0, 20'000}};
    setitimer(ITIMER_VIRTUAL, &soon, nullptr);
    spin_until_aborted(const_cast<Area*>(OwnArea()), &counter);
    _exit(2);
  });
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) << DescribeStatus(status);
}

}  // namespace

GUEST_ROLE(rseq_after_exec) {
  CheckNewProgram();
  FinishChild();
}

}  // namespace guest
