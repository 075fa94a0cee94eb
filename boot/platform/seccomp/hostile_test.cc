// Applications that attack the stub, the mailboxes and the agent.
#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <csignal>
#include <random>
#include <thread>

#include "boot/platform/seccomp/messages.h"
#include "boot/platform/seccomp/signal_frame.h"
#include "boot/platform/seccomp/stub/stub.h"
#include "boot/platform/seccomp/testing/test_guest.h"

namespace runsc {
namespace {

using seccomp::stub_address;

constexpr auto kSyscall = Event::Kind::kSyscall;
constexpr auto kFault = Event::Kind::kFault;
constexpr auto kGone = Event::Kind::kGone;

// A thread of `space` that runs until it is destroyed, served by a host thread of its own.
class BackgroundThread {
 public:
  BackgroundThread(AddressSpace& space, const ThreadState& state) {
    auto context = space.new_context(state);
    EXPECT_TRUE(context.ok());
    context_ = std::move(context).value();
    server_ = std::thread([this] {
      for (;;) {
        const Event event = context_->wait();
        if (event.kind == kGone || event.kind == kFault) return;
        if (event.full) {
          context_->resume();
        } else {
          context_->finish_syscall(0);
        }
      }
    });
  }
  ~BackgroundThread() {
    context_->kill();
    server_.join();
  }
  void join() {
    server_.join(), server_ = std::thread([] {});
  }

 private:
  std::unique_ptr<Context> context_;
  std::thread server_;
};

class HostileTest : public PlatformTest {
 protected:
  void TearDown() override {
    // Whatever happened: other address spaces work.
    auto other = new_guest();
    EXPECT_EQ(start(*other, guest_state(guest_illegal))->wait().signal, SIGILL);
    other.reset();
    PlatformTest::TearDown();
  }
  static ThreadState state_at(std::uint64_t rip) {
    ThreadState state = guest_state(guest_spin);
    state.registers.rip = rip;
    return state;
  }
  // Serves traps of a thread while another one writes `value` over its area.
  void spoil_area(std::uint64_t value, std::size_t offset, std::size_t words) {
    auto victim = start(*space_, guest_state(guest_trap_loop));
    ThreadState attack = guest_state(guest_spoil);
    attack.registers.rdi = STUB_AREAS + offset;
    attack.registers.rcx = words;
    attack.registers.rax = value;
    BackgroundThread attacker(*space_, attack);
    for (int i = 0; i < 2000; ++i) {
      const Event event = victim->wait();
      if (event.kind == kGone) break;
      if (!event.full) {
        victim->finish_syscall(-ENOSYS);
        continue;
      }
      if (i % 4 == 0)
        (void)victim->set_fp_state(std::vector<std::byte>(victim->fp_state().begin(), victim->fp_state().end()));
      victim->resume();
    }
  }
};

TEST_F(HostileTest, SpoiledMailboxesHarmOnlyTheirThread) {
  const std::uint64_t values[] = {0,
                                  ~0ULL,
                                  0x4141414141414141,
                                  STUB_AREAS,
                                  STUB_AREAS + STUB_AREA_SIZE - 8,
                                  STUB_AREAS + 0x7000,
                                  STUB_AREAS - 8,
                                  SIGSYS};
  for (const std::uint64_t value : values) {
    spoil_area(value, 0, 4);
    spoil_area(value, 0, STUB_AREA_SIZE / 8);
    spoil_area(value, 0x7000, 512);
  }
}

TEST_F(HostileTest, DoorbellsRungByTheApplicationAreOnlyLies) {
  for (const char* label : {stub_doorbell, stub_start_doorbell}) {
    // The mov before the syscall instruction.
    auto context = start(*space_, state_at(stub_address(label) - 7));
    const Event event = context->wait();
    if (event.kind == kSyscall) {
      context->finish_syscall(-ENOSYS);
      EXPECT_EQ(context->wait().signal, SIGILL);
    } else {
      EXPECT_NE(event.kind, kGone);  // the mailbox still holds the start frame: consistent, if untrue
    }
  }
}

TEST_F(HostileTest, StubCodeRunByTheApplicationGainsNothing) {
  const char* labels[] = {stub_zygote_entry, stub_signal_handler,    stub_restorer,
                          stub_start_dup3,   stub_start_close,       stub_doorbell,
                          stub_sigreturn,    stub_start_close_range, __start_runsc_stub + 64};
  for (const char* label : labels) {
    for (std::uint64_t back = 0; back < 16; ++back) {
      auto context = start(*space_, state_at(stub_address(label) - back));
      for (int i = 0; i < 20; ++i) {
        const Event event = context->wait();
        if (event.kind != kSyscall) break;
        context->finish_syscall(-ENOSYS);
      }
    }
  }
}

TEST_F(HostileTest, ReadOnlyPartsOfTheStubCannotBeWritten) {
  for (const std::uint64_t address :
       {std::uint64_t{STUB_BASE}, std::uint64_t{STUB_PROGRAM}, std::uint64_t{STUB_COMMAND}}) {
    ThreadState state = guest_state(guest_store);
    state.registers.rdi = address;
    const Event event = start(*space_, state)->wait();
    EXPECT_EQ(event.signal, SIGSEGV);
    EXPECT_EQ(event.code, SEGV_ACCERR);
  }
}

TEST_F(HostileTest, OwnSigreturnWithAllSignalsBlockedKillsAtTheNextFault) {
  seccomp::HostSignalFrame frame{};
  frame.uc_flags = 7;
  frame.context.cs = 0x33;
  frame.context.ss = 0x2b;
  frame.context.rip = guest_address(guest_illegal);
  frame.context.rsp = kGuestStack + 0x1000;
  frame.signal_mask = ~0ULL;
  poke(*space_, kGuestData, frame);
  ThreadState state = state_at(stub_address(stub_restorer));
  state.registers.rsp = kGuestData;
  EXPECT_EQ(start(*space_, state)->wait().kind, kGone);
  // The same, but the next thing is a call that must be captured.
  frame.context.rip = guest_address(guest_syscall_loop);
  frame.context.rax = SYS_getpid;
  poke(*space_, kGuestData, frame);
  auto context = start(*space_, state);
  ASSERT_EQ(context->wait().kind, kSyscall);
  EXPECT_FALSE(context->capture(0).ok());
  EXPECT_EQ(context->wait().kind, kGone);
}

// Whose arguments decide, or which no filter sees: the host fails uretprobe and uprobe (335, 336) outside of its own
// trampolines.
bool may_reach_the_host(long number, bool guarded) {
  if (number == SYS_restart_syscall || number == 335 || number == 336) return true;
  return !guarded && (number == SYS_futex || number == SYS_futex_waitv);
}

TEST_F(HostileTest, NoSystemCallNumberReachesTheHost) {
  std::mt19937_64 random(1);
  for (long number = 0; number < 1200; ++number) {
    const bool guarded = number >= 600;
    const long call = number % 600;
    if (may_reach_the_host(call, guarded)) continue;
    ThreadState state = guest_state(guest_syscall_once);
    state.no_native_calls = guarded;
    Registers& r = state.registers;
    r.rax = static_cast<std::uint64_t>(call);
    r.rdi = random(), r.rsi = random(), r.rdx = random(), r.r10 = random(), r.r8 = random(), r.r9 = random();
    r.rbx = kGuestData;
    auto context = start(*space_, state);
    const Event event = context->wait();
    ASSERT_EQ(event.kind, kSyscall) << call;
    EXPECT_EQ(event.number, static_cast<std::uint64_t>(call));
    context->finish_syscall(-ENOSYS);
    EXPECT_EQ(context->wait().signal, SIGTRAP);
    EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), -ENOSYS);
  }
}

TEST_F(HostileTest, PiFutexesAndOtherArchPrctlsGoToTheKernel) {
  for (const std::uint64_t operation : {6, 7, 8, 11, 12, 13, 6 | 128}) {
    ThreadState state = guest_state(guest_syscall_once);
    state.registers.rax = SYS_futex;
    state.registers.rsi = operation;
    EXPECT_EQ(start(*space_, state)->wait().kind, kSyscall);
  }
  ThreadState get_fs = guest_state(guest_syscall_once);
  get_fs.registers.rax = SYS_arch_prctl;
  get_fs.registers.rdi = ARCH_GET_FS;
  EXPECT_EQ(start(*space_, get_fs)->wait().kind, kSyscall);
  ThreadState set_fs = guest_state(guest_syscall_once);
  set_fs.registers.rax = SYS_arch_prctl;
  set_fs.registers.rdi = ARCH_SET_FS;
  set_fs.registers.rsi = 0x123000;
  set_fs.registers.rbx = kGuestData;
  auto context = start(*space_, set_fs);
  EXPECT_EQ(context->wait().signal, SIGTRAP);
  EXPECT_EQ(context->registers().fs_base, 0x123000u);
}

TEST_F(HostileTest, SpoiledWakeUpWordsOnlyCostTime) {
  ThreadState attack = guest_state(guest_spoil);
  attack.registers.rdi = STUB_SCRATCH;
  attack.registers.rcx = 1;
  for (const std::uint64_t value : {0ULL, ~0ULL, 5ULL}) {
    attack.registers.rax = value;
    BackgroundThread attacker(*space_, attack);
    for (std::uint64_t i = 0; i < 20; ++i)
      EXPECT_TRUE(space_->map(0x50000000 + i * 0x2000, 0x1000, PROT_READ, {}, -1, 0).ok());
    EXPECT_EQ(space_->unmap(0x50000000, ~0xfffULL).error(), Errno(ENOMEM));
    auto child = space_->fork();
    EXPECT_TRUE(child.ok());
  }
}

TEST_F(HostileTest, AnAgentMovedToAnotherFutexComesBack) {
  ThreadState attack = guest_state(guest_requeue);
  attack.registers.rdi = STUB_COMMAND;
  attack.registers.rsi = kGuestData;
  EXPECT_EQ(start(*space_, attack)->wait().signal, SIGTRAP);
  EXPECT_TRUE(space_->map(0x50000000, 0x1000, PROT_READ, {}, -1, 0).ok());
  EXPECT_TRUE(space_->map(0x50000000, 0x1000, PROT_READ, {}, -1, 0).ok());
}

TEST_F(HostileTest, ADeadAgentMakesErrorsAndNoHangs) {
  auto context = start(*space_, guest_state(guest_syscall_loop));
  ASSERT_EQ(context->wait().kind, kSyscall);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(space_->map(0x50000000, 0x1000, PROT_READ, {}, -1, 0).ok());
  kill(space_->host_pid(), SIGKILL);
  // By the worker; an address space without one has nothing that could map.
  EXPECT_TRUE(space_->map(0x50000000, 0x1000, PROT_READ, {}, -1, 0).ok());
  EXPECT_FALSE(space_->fork().ok());
  EXPECT_FALSE(space_->new_context(guest_state(guest_spin)).ok());
  EXPECT_FALSE(space_->compare_exchange(kGuestData, 0, 0).ok());
  std::byte byte{};
  EXPECT_EQ(space_->read(kGuestData, std::span(&byte, 1)).error(), Errno(EFAULT));
  EXPECT_FALSE(space_->write(kGuestData, std::span(&byte, 1)).ok());
  context->finish_syscall(0);
}

TEST_F(HostileTest, ADeadAgentWithoutWorkerCannotMap) {
  auto space = platform_->new_address_space();
  ASSERT_TRUE(space.ok());
  kill((*space)->host_pid(), SIGKILL);
  for (int i = 0; i < 10; ++i) EXPECT_EQ((*space)->map(0x50000000, 0x1000, PROT_READ, {}, -1, 0).error(), Errno(EIO));
}

TEST_F(HostileTest, AThreadKilledFromOutsideIsGone) {
  auto context = start(*space_, guest_state(guest_syscall_loop));
  ASSERT_EQ(context->wait().kind, kSyscall);
  kill(context->host_tid(), SIGKILL);
  context->finish_syscall(0);
  EXPECT_EQ(context->wait().kind, kGone);
}

#ifdef NDEBUG
TEST_F(HostileTest, UnsafeCallsAreNeverContinued) {
  for (const long number : {SYS_mmap, SYS_munmap, SYS_getpid, SYS_mremap, SYS_open}) {
    ThreadState state = guest_state(guest_syscall_once);
    state.registers.rax = static_cast<std::uint64_t>(number);
    state.registers.rdi = STUB_BASE;
    state.registers.rsi = 0x1000;
    state.registers.rdx = 3;
    state.registers.r10 = MAP_FIXED | MAP_ANONYMOUS | MAP_PRIVATE;
    state.registers.rbx = kGuestData;
    auto context = start(*space_, state);
    ASSERT_EQ(context->wait().kind, kSyscall);
    context->continue_natively();
    EXPECT_EQ(context->wait().signal, SIGTRAP);
    EXPECT_EQ(peek<std::int64_t>(*space_, kGuestData), -ENOMEM);
  }
}
#endif

}  // namespace
}  // namespace runsc
