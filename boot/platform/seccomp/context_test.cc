// Threads of an application: system calls, faults, kicks, captures, FP state.
#include <linux/rseq.h>
#include <sched.h>
#include <sys/syscall.h>

#include <csignal>
#include <thread>

#include "boot/platform/seccomp/testing/test_guest.h"

namespace runsc {
namespace {

constexpr auto kSyscall = Event::Kind::kSyscall;
constexpr auto kFault = Event::Kind::kFault;
constexpr auto kKicked = Event::Kind::kKicked;
constexpr auto kGone = Event::Kind::kGone;

class ContextTest : public PlatformTest {};

TEST_F(ContextTest, ReportsNumberAndArgumentsOfASystemCallAndReturnsItsResult) {
  ThreadState state = guest_state(guest_syscall_once);
  Registers& r = state.registers;
  r.rax = 12345, r.rdi = 1, r.rsi = 2, r.rdx = 0xffffffff00000003, r.r10 = 4, r.r8 = 5, r.r9 = 6, r.rbx = kGuestData;
  auto context = start(*space_, state);
  Event event = context->wait();
  ASSERT_EQ(event.kind, kSyscall);
  EXPECT_FALSE(event.full);
  EXPECT_EQ(event.number, 12345u);
  EXPECT_EQ(event.args, (std::array<std::uint64_t, 6>{1, 2, 0xffffffff00000003, 4, 5, 6}));
  EXPECT_EQ(event.instruction_pointer, guest_address(guest_syscall_once) + 2);
  context->finish_syscall(-38);
  event = context->wait();
  ASSERT_EQ(event.kind, kFault);
  EXPECT_EQ(event.signal, SIGTRAP);
  EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), -38);
}

TEST_F(ContextTest, StartsWithEveryRegisterAsGiven) {
  ThreadState state = guest_state(guest_illegal);
  auto* words = reinterpret_cast<std::uint64_t*>(&state.registers);
  for (int i = 0; i < 17; ++i)
    if (&words[i] != &state.registers.rip) words[i] = 0x1111111111111111u * static_cast<unsigned>(i % 16);
  state.registers.rip = guest_address(guest_illegal);
  state.registers.fs_base = 0x123456789000;
  state.registers.gs_base = 0x223456789000;
  auto context = start(*space_, state);
  EXPECT_EQ(context->wait().signal, SIGILL);
  const Registers& seen = context->registers();
  EXPECT_EQ(std::memcmp(&seen, &state.registers, offsetof(Registers, rflags)), 0);
  EXPECT_EQ(seen.fs_base, state.registers.fs_base);
  EXPECT_EQ(seen.gs_base, state.registers.gs_base);
}

TEST_F(ContextTest, ReportsFaultsWithTheirAddress) {
  ThreadState state = guest_state(guest_store);
  state.registers.rdi = 0x77770008;
  auto context = start(*space_, state);
  const Event event = context->wait();
  ASSERT_EQ(event.kind, kFault);
  EXPECT_TRUE(event.full);
  EXPECT_EQ(event.signal, SIGSEGV);
  EXPECT_EQ(event.code, SEGV_MAPERR);
  EXPECT_EQ(event.address, 0x77770008u);
  EXPECT_EQ(event.trap_number, 14u);
  EXPECT_EQ(event.error_code, 6u);
  EXPECT_EQ(context->registers().rip, guest_address(guest_store));
  // The kernel maps the page and lets the thread try again.
  ASSERT_TRUE(space_->map(0x77770000, 0x1000, 3, {}, -1, 0).ok());
  context->registers().rax = 99;
  context->resume();
  EXPECT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::uint64_t>(*space_, 0x77770008), 99u);
}

TEST_F(ContextTest, ReportsTheOtherFaults) {
  const struct {
    const char* label;
    int signal;
  } cases[] = {{guest_illegal, SIGILL}, {guest_privileged, SIGSEGV}, {guest_divide, SIGFPE}};
  for (const auto& c : cases) EXPECT_EQ(start(*space_, guest_state(c.label))->wait().signal, c.signal);
}

TEST_F(ContextTest, CallsOfOtherArchitecturesNeverReachTheHost) {
  auto context = start(*space_, guest_state(guest_int80));
  const Event event = context->wait();
  ASSERT_EQ(event.kind, kFault);
  EXPECT_EQ(event.signal, SIGSEGV);
  EXPECT_EQ(context->registers().rip, guest_address(guest_int80) + 5);
  ThreadState x32 = guest_state(guest_syscall_once);
  x32.registers.rax = 0x40000000 + SYS_getpid;
  x32.registers.rbx = kGuestData;
  EXPECT_EQ(start(*space_, x32)->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), -ENOSYS);
}

// The host emulates the calls of the vsyscall page, unless it was told not to; its filter sees them all the same.
TEST_F(ContextTest, VsyscallsArriveAsSystemCalls) {
  ThreadState state = guest_state(guest_call);
  state.registers.rdi = 0xffffffffff600000;
  state.registers.rsi = 0;
  auto context = start(*space_, state);
  const Event event = context->wait();
  if (event.kind == kFault) GTEST_SKIP() << "the host has no vsyscall page";
  ASSERT_EQ(event.kind, kSyscall);
  EXPECT_EQ(event.number, static_cast<std::uint64_t>(SYS_gettimeofday));
  context->finish_syscall(-EFAULT);
  EXPECT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(context->registers().rax, static_cast<std::uint64_t>(-EFAULT));
}

TEST_F(ContextTest, FullCallsComeWithAllRegisters) {
  for (const long number :
       {SYS_clone, SYS_clone3, SYS_fork, SYS_vfork, SYS_execve, SYS_execveat, SYS_exit, SYS_rt_sigreturn}) {
    ThreadState state = guest_state(guest_syscall_once);
    state.registers.rax = static_cast<std::uint64_t>(number);
    state.registers.rbx = kGuestData;
    state.registers.r15 = 0xabcdef;
    auto context = start(*space_, state);
    const Event event = context->wait();
    ASSERT_EQ(event.kind, kSyscall);
    ASSERT_TRUE(event.full);
    EXPECT_EQ(event.number, static_cast<std::uint64_t>(number));
    EXPECT_EQ(context->registers().r15, 0xabcdefu);
    EXPECT_EQ(context->registers().rip, event.instruction_pointer);
    context->finish_syscall(77);
    EXPECT_EQ(context->wait().signal, SIGTRAP);
    EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), 77);
  }
}

TEST_F(ContextTest, CaptureMakesACallFullAndItsRegistersCanBeChanged) {
  ThreadState state = guest_state(guest_syscall_once);
  state.registers.rax = SYS_getpid;
  state.registers.rbx = kGuestData;
  auto context = start(*space_, state);
  ASSERT_EQ(context->wait().kind, kSyscall);
  ASSERT_TRUE(context->capture(-4).ok());
  EXPECT_EQ(context->registers().rip, guest_address(guest_syscall_once) + 2);
  EXPECT_EQ(context->registers().rax, static_cast<std::uint64_t>(-4));
  EXPECT_EQ(context->registers().rbx, kGuestData);
  context->registers().rbx = kGuestData + 8;
  context->registers().rax = 5;
  context->resume();
  EXPECT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData + 8), 5);
  EXPECT_TRUE(context->capture(0).ok());
}

TEST_F(ContextTest, AStoppedHostThreadServesTheNextContextFromAFreshState) {
  auto first = start(*space_, guest_state(guest_illegal));
  ASSERT_EQ(first->wait().signal, SIGILL);
  const int host_tid = first->host_tid();
  first->registers().r15 = 77;
  first->kick();
  first.reset();
  auto second = start(*space_, guest_state(guest_illegal));
  second->kick();
  EXPECT_EQ(second->wait().kind, kKicked);
  EXPECT_EQ(second->host_tid(), host_tid);
  second->resume();
  EXPECT_EQ(second->wait().signal, SIGILL);
  EXPECT_EQ(second->registers().r15, 0u);
  EXPECT_EQ(second->registers().rsp, kGuestStack + kGuestStackSize);
  second->kill();
  second.reset();
  auto third = start(*space_, guest_state(guest_illegal));
  EXPECT_EQ(third->wait().signal, SIGILL);
}

// A thread of the application's that may register for rseq(2): the number in its area says whether the host keeps it.
class RseqTest : public ContextTest {
 protected:
  static constexpr std::uint64_t kArea = kGuestData + 0x100;
  static constexpr RseqArea kRegistration{kArea, 32, 0x1234};
  static constexpr std::uint32_t kNone = ~0u;

  void SetUp() override {
    ContextTest::SetUp();
    poke(*space_, kArea + 4, kNone);
  }
  bool registered() { return peek<std::uint32_t>(*space_, kArea + 4) != kNone; }
  static ThreadState call_state(long number) {
    ThreadState state = guest_state(guest_syscall_once);
    state.registers.rax = static_cast<std::uint64_t>(number);
    state.registers.rbx = kGuestData;
    return state;
  }
  static ThreadState rseq_state(int flags) {
    ThreadState state = call_state(SYS_rseq);
    state.registers.rdi = kArea;
    state.registers.rsi = kRegistration.length;
    state.registers.rdx = static_cast<std::uint64_t>(flags);
    state.registers.r10 = kRegistration.signature;
    return state;
  }
};

TEST_F(RseqTest, TheThreadRegistersAndEndsItByItsOwnCalls) {
  auto context = start(*space_, rseq_state(0));
  ASSERT_EQ(context->wait().kind, kSyscall);
  EXPECT_EQ(context->rseq(), RseqArea{});
  context->continue_natively();
  ASSERT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), 0);
  EXPECT_EQ(context->rseq(), kRegistration);
  EXPECT_TRUE(registered());
  context->registers() = rseq_state(RSEQ_FLAG_UNREGISTER).registers;
  context->resume();
  ASSERT_EQ(context->wait().kind, kSyscall);
  context->continue_natively();
  ASSERT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), 0);
  EXPECT_EQ(context->rseq(), RseqArea{});
  EXPECT_FALSE(registered());
}

TEST_F(RseqTest, AThreadStartsWithTheRegistrationThatItIsGiven) {
  for (const bool guarded : {false, true}) {
    poke(*space_, kArea + 4, kNone);
    ThreadState state = rseq_state(0);
    state.rseq = kRegistration;
    state.no_native_calls = guarded;
    auto context = start(*space_, state);
    ASSERT_EQ(context->wait().kind, kSyscall);
    EXPECT_TRUE(registered());
    context->continue_natively();
    ASSERT_EQ(context->wait().signal, SIGTRAP);
    EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), -EBUSY) << "the host has it";
  }
}

TEST_F(RseqTest, ExitEndsItBeforeTheKernelHears) {
  ThreadState state = call_state(SYS_exit);
  state.rseq = kRegistration;
  auto context = start(*space_, state);
  ASSERT_EQ(context->wait().kind, kSyscall);
  EXPECT_FALSE(registered());
  const int host_tid = context->host_tid();
  context.reset();
  auto next = start(*space_, guest_state(guest_illegal));
  EXPECT_EQ(next->wait().signal, SIGILL);
  EXPECT_EQ(next->host_tid(), host_tid);
  EXPECT_EQ(next->rseq(), RseqArea{});
  EXPECT_FALSE(registered());
}

TEST_F(RseqTest, AnExitThatDoesNotHappenRestoresIt) {
  ThreadState state = call_state(SYS_exit);
  state.rseq = kRegistration;
  auto context = start(*space_, state);
  ASSERT_EQ(context->wait().kind, kSyscall);
  EXPECT_FALSE(registered());
  context->finish_syscall(-EPERM);
  ASSERT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), -EPERM);
  EXPECT_TRUE(registered());
}

TEST_F(RseqTest, AHostThreadThatIsStillRegisteredServesNobodyElse) {
  ThreadState state = guest_state(guest_illegal);
  state.rseq = kRegistration;
  auto context = start(*space_, state);
  ASSERT_EQ(context->wait().signal, SIGILL);
  context.reset();
  poke(*space_, kArea + 4, kNone);
  auto next = start(*space_, guest_state(guest_illegal));
  EXPECT_EQ(next->wait().signal, SIGILL);
  EXPECT_FALSE(registered());
}

TEST_F(RseqTest, MemoryThatIsGoneEndsTheThreadBySigsegv) {
  constexpr std::uint64_t kPage = 0x77770000;
  ASSERT_TRUE(space_->map(kPage, 0x1000, 3, {}, -1, 0).ok());
  ThreadState state = guest_state(guest_syscall_loop);
  state.rseq = {kPage, 32, 0};
  auto context = start(*space_, state);
  ASSERT_EQ(context->wait().kind, kSyscall);
  ASSERT_TRUE(space_->unmap(kPage, 0x1000).ok());
  for (;;) {
    context->finish_syscall(0);
    const Event event = context->wait();
    if (event.kind == kSyscall) continue;
    EXPECT_EQ(event.signal, SIGSEGV);
    break;
  }
}

TEST_F(ContextTest, RunsWhereItIsTold) {
  cpu_set_t all;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  auto early = space_->new_context(guest_state(guest_syscall_loop));
  ASSERT_TRUE(early.ok());
  int last = -1;
  for (int i = 0; i < 64; ++i) {
    if (!CPU_ISSET(i, &all)) continue;
    (*early)->run_on(std::uint64_t{1} << i);
    if (last >= 0) (*early)->finish_syscall(0);
    last = i;
    ASSERT_EQ((*early)->wait().kind, kSyscall);
    cpu_set_t now;
    ASSERT_EQ(sched_getaffinity((*early)->host_tid(), sizeof now, &now), 0);
    EXPECT_EQ(CPU_COUNT(&now), 1);
    EXPECT_TRUE(CPU_ISSET(i, &now));
  }
}

TEST_F(ContextTest, KickStopsARunningThread) {
  auto context = start(*space_, guest_state(guest_count));
  std::thread other([&] {
    while (peek<std::uint64_t>(*space_, kGuestData) == 0) std::this_thread::yield();
    context->kick();
  });
  EXPECT_EQ(context->wait().kind, kKicked);
  other.join();
  context->registers().rip = guest_address(guest_illegal);
  context->resume();
  EXPECT_EQ(context->wait().signal, SIGILL);
}

TEST_F(ContextTest, KickBeforeTheStartIsNotLost) {
  auto context = start(*space_, guest_state(guest_spin));
  context->kick();
  EXPECT_EQ(context->wait().kind, kKicked);
  EXPECT_EQ(context->registers().rip, guest_address(guest_spin));
}

TEST_F(ContextTest, KickWhileTheKernelServesIsNotLost) {
  ThreadState state = guest_state(guest_syscall_once);
  state.registers.rbx = kGuestData;
  auto context = start(*space_, state);
  ASSERT_EQ(context->wait().kind, kSyscall);
  context->kick();
  context->kick();
  context->finish_syscall(1);
  EXPECT_EQ(context->wait().kind, kKicked);
  EXPECT_EQ(context->registers().rip, guest_address(guest_syscall_once) + 2);
  context->kick();
  context->resume();
  EXPECT_EQ(context->wait().kind, kKicked);
  context->resume();
  EXPECT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), 1);
}

TEST_F(ContextTest, KickStopsANativeFutexWaitWhichThenRestarts) {
  auto context = start(*space_, guest_state(guest_futex_wait));
  std::thread other([&] { context->kick(); });
  EXPECT_EQ(context->wait().kind, kKicked);
  other.join();
  poke<std::uint32_t>(*space_, kGuestData, 1);
  context->resume();
  EXPECT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(context->registers().rax, static_cast<std::uint64_t>(-EAGAIN));
}

TEST_F(ContextTest, ManyKicksFromAnotherThreadLoseNoEvent) {
  ThreadState state = guest_state(guest_syscall_count);
  constexpr std::uint64_t kCalls = 3000;
  state.registers.rcx = kCalls;
  state.registers.r12 = SYS_getpid;
  auto context = start(*space_, state);
  std::atomic<bool> done{false};
  std::thread other([&] {
    while (!done) context->kick(), std::this_thread::yield();
  });
  std::uint64_t calls = 0;
  for (;;) {
    const Event event = context->wait();
    if (event.kind == kFault) break;
    if (event.kind == kSyscall) {
      ++calls;
      if (calls % 3 == 0) {
        ASSERT_TRUE(context->capture(0).ok());
        context->resume();
      } else {
        context->finish_syscall(0);
      }
    } else {
      ASSERT_EQ(event.kind, kKicked);
      context->resume();
    }
  }
  done = true;
  other.join();
  EXPECT_EQ(calls, kCalls);
}

TEST_F(ContextTest, KillEndsAThreadWhereverItIs) {
  auto running = start(*space_, guest_state(guest_spin));
  std::thread other([&] { running->kill(); });
  EXPECT_EQ(running->wait().kind, kGone);
  other.join();
  EXPECT_EQ(running->wait().kind, kGone);

  auto unstarted = start(*space_, guest_state(guest_spin));
  unstarted->kill();
  EXPECT_EQ(unstarted->wait().kind, kGone);

  auto serving = start(*space_, guest_state(guest_syscall_loop));
  ASSERT_EQ(serving->wait().kind, kSyscall);
  serving->kill();
  serving->finish_syscall(0);
  EXPECT_EQ(serving->wait().kind, kGone);

  auto capturing = start(*space_, guest_state(guest_syscall_loop));
  ASSERT_EQ(capturing->wait().kind, kSyscall);
  capturing->kill();
  EXPECT_FALSE(capturing->capture(0).ok());
}

TEST_F(ContextTest, ThreadsWakeEachOtherNatively) {
  auto waiter = start(*space_, guest_state(guest_futex_wait));
  auto waker = start(*space_, guest_state(guest_futex_wake));
  std::thread other([&] { EXPECT_EQ(waker->wait().signal, SIGTRAP); });
  EXPECT_EQ(waiter->wait().signal, SIGTRAP);
  EXPECT_EQ(waiter->registers().rax, 0u);
  other.join();
}

struct FpImage {
  std::array<std::uint64_t, 2> xmm0{0x1122334455667788, 0x99aabbccddeeff00};
  std::array<std::uint64_t, 4> ymm1{1, 2, 3, 0x4444444444444444};
  std::uint32_t mxcsr = 0x7f80;
};

class FpTest : public ContextTest {
 protected:
  ThreadState fp_state(const char* label, long number) {
    poke(*space_, kGuestData, FpImage{});
    ThreadState state = guest_state(label);
    state.registers.r12 = static_cast<std::uint64_t>(number);
    state.registers.rsi = kGuestData + 256;
    return state;
  }
  static void expect_image(AddressSpace& space) {
    const FpImage want;
    EXPECT_EQ(peek<decltype(want.xmm0)>(space, kGuestData + 64), want.xmm0);
    EXPECT_EQ(peek<decltype(want.ymm1)>(space, kGuestData + 80), want.ymm1);
    EXPECT_EQ(peek<std::uint32_t>(space, kGuestData + 112), want.mxcsr);
  }
};

TEST_F(FpTest, SurvivesEveryWayThroughTheKernel) {
  for (const long number : {SYS_getpid, SYS_fork}) {
    auto context = start(*space_, fp_state(guest_fp, number));
    ASSERT_EQ(context->wait().kind, kSyscall);
    ASSERT_TRUE(context->capture(0).ok());
    context->resume();
    EXPECT_EQ(context->wait().signal, SIGTRAP);
    expect_image(*space_);
  }
}

TEST_F(FpTest, MovesToANewThreadOfAForkedAddressSpace) {
  auto context = start(*space_, fp_state(guest_fp, SYS_fork));
  ASSERT_EQ(context->wait().kind, kSyscall);
  auto child_space = space_->fork();
  ASSERT_TRUE(child_space.ok());
  ThreadState state{context->registers(), {context->fp_state().begin(), context->fp_state().end()}, false, {}};
  auto child = start(**child_space, state);
  EXPECT_EQ(child->wait().signal, SIGTRAP);
  expect_image(**child_space);
  EXPECT_EQ(peek<std::uint64_t>(*space_, kGuestData + 64), 0u);
}

TEST_F(FpTest, CanBeReplacedAndReset) {
  auto context = start(*space_, fp_state(guest_fp_spin, 0));
  std::thread other([&] {
    while (peek<std::uint64_t>(*space_, kGuestData + 264) == 0) std::this_thread::yield();
    context->kick();
  });
  ASSERT_EQ(context->wait().kind, kKicked);
  other.join();
  const std::vector<std::byte> saved(context->fp_state().begin(), context->fp_state().end());
  ASSERT_GE(saved.size(), 576u);
  ASSERT_TRUE(context->set_fp_state({}).ok());
  poke<std::uint64_t>(*space_, kGuestData + 256, 1);
  context->resume();
  ASSERT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(peek<std::uint64_t>(*space_, kGuestData + 64), 0u);
  EXPECT_EQ(peek<std::uint32_t>(*space_, kGuestData + 112), 0x1f80u);
  ASSERT_TRUE(context->set_fp_state(saved).ok());
  context->registers().rip = guest_address(guest_fp_store);
  context->resume();
  ASSERT_EQ(context->wait().signal, SIGTRAP);
  expect_image(*space_);
}

TEST_F(FpTest, HostileStateIsRefused) {
  auto context = start(*space_, fp_state(guest_fp, SYS_fork));
  ASSERT_EQ(context->wait().kind, kSyscall);
  const std::vector<std::byte> good(context->fp_state().begin(), context->fp_state().end());
  const auto refused = [&](std::size_t offset) {
    std::vector<std::byte> bad = good;
    bad[offset] ^= std::byte{0x80};
    return !context->set_fp_state(bad).ok();
  };
  EXPECT_TRUE(refused(27));        // mxcsr
  EXPECT_TRUE(refused(512 + 6));   // components that the host does not have
  EXPECT_TRUE(refused(512 + 8));   // xcomp_bv
  EXPECT_TRUE(refused(512 + 63));  // reserved
  EXPECT_FALSE(context->set_fp_state(std::span(good).first(511)).ok());
  EXPECT_TRUE(context->set_fp_state(std::span(good).first(512)).ok());
  EXPECT_TRUE(context->set_fp_state(std::span(good).first(good.size() - 1)).ok());  // as plain FXSAVE
  EXPECT_TRUE(context->set_fp_state(good).ok());
}

}  // namespace
}  // namespace runsc
