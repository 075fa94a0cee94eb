// Whole tasks on a scripted context: what an application would see of its signals.
#include "boot/kernel/signal_delivery.h"

#include <sys/syscall.h>

#include <functional>
#include <vector>

#include "boot/kernel/exit.h"
#include "boot/kernel/kernel_test_support.h"
#include "boot/kernel/signal_frame.h"
#include "boot/kernel/signal_send.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

constexpr std::uint64_t kStack = 0x7000000, kStackSize = 0x10000, kStackTop = kStack + kStackSize;
constexpr std::uint64_t kCode = 0x400100, kHandler = 0x402000, kRestorer = 0x403000;
constexpr std::uint64_t kHandlerFlags = 0x04000000;  // SA_RESTORER

class ScriptedSpace : public FakeAddressSpace {
 public:
  using FakeAddressSpace::FakeAddressSpace;
  Result<std::size_t> writev(std::span<const Range> ranges, std::span<const std::byte> from) override {
    std::size_t done = 0;
    for (const Range& range : ranges) {
      if (range.length == 0) continue;
      done += TRY(write(range.address, from.subspan(done, range.length)));
    }
    return done;
  }
};

class ScriptedPlatform : public FakePlatform {
 public:
  Result<std::unique_ptr<AddressSpace>> new_address_space(Birthplace*) override {
    return std::unique_ptr<AddressSpace>(std::make_unique<ScriptedSpace>(layout()));
  }
};

// Each step looks at what the last answer was and does the next thing.
class ScriptedContext : public FakeContext {
 public:
  using Step = std::function<Event(ScriptedContext&)>;
  explicit ScriptedContext(std::vector<Step> steps) : steps_(std::move(steps)) {}

  Event wait() override {
    if (next_ == steps_.size()) return Event{};
    return steps_[next_++](*this);
  }
  void finish_syscall(std::int64_t value) override { registers().rax = static_cast<std::uint64_t>(value); }

 private:
  std::vector<Step> steps_;
  std::size_t next_ = 0;
};

Event syscall(std::uint64_t number, std::array<std::uint64_t, 6> args = {}, bool full = true) {
  Event event;
  event.kind = Event::Kind::kSyscall;
  event.full = full;
  event.number = number;
  event.args = args;
  return event;
}
Event kicked() {
  Event event;
  event.kind = Event::Kind::kKicked;
  event.full = true;
  return event;
}
Event exit_with(int status) { return syscall(SYS_exit_group, {static_cast<std::uint64_t>(status)}); }

class SignalDeliveryTest : public KernelTest {
 protected:
  SignalDeliveryTest() {
    init = new_process();
    process = new_process(init);
    memory = *MemoryManager::create(scripted, 8 << 20);
    const MmapRequest stack{
        kStack, kStackSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, nullptr, 0, {}};
    EXPECT_TRUE(memory->mmap(stack, {}).ok());
    process->change_resources([&](TaskResources& resources) { resources.memory = memory; });
  }
  // Runs the process to its end on this thread.
  void run(std::vector<ScriptedContext::Step> steps) {
    auto context = std::make_unique<ScriptedContext>(std::move(steps));
    context->registers().rip = kCode;
    context->registers().rsp = kStackTop - 0x1000;
    CurrentTask current(process, std::move(context));
    self = &current;
    current.run();
  }
  void handle(int signal, std::uint64_t flags = 0) {
    auto tree = kernel.tasks().lock();
    (*process->group()->links(*tree).handlers)[signal] = {kHandler, kHandlerFlags | flags, kRestorer, {}};
  }
  void send(int signal) {
    SignalInfo info;
    info.signo = signal;
    ASSERT_TRUE(send_signal_to_group(*kernel.tasks().lock(), *process->group(), info).ok());
  }
  SignalFrame frame_at(std::uint64_t sp) {
    SignalFrame frame;
    auto bytes = std::as_writable_bytes(std::span(&frame, 1));
    // Without SA_SIGINFO the siginfo is not written, but the stack reaches further.
    EXPECT_TRUE(read_exactly(memory->space(), sp, bytes).ok());
    return frame;
  }
  SignalSet blocked() { return process->signals(*kernel.tasks().lock()).blocked; }
  int status() { return links(process).exit_status; }

  ScriptedPlatform scripted;
  TaskPtr init, process;
  std::shared_ptr<MemoryManager> memory;
  CurrentTask* self = nullptr;
};

TEST_F(SignalDeliveryTest, HandlerRunsAndReturns) {
  handle(SIGUSR1, SA_SIGINFO);
  run({
      [&](ScriptedContext& context) {
        context.registers().rbx = 7;
        send(SIGUSR1);
        return kicked();
      },
      [&](ScriptedContext& context) {
        Registers& registers = context.registers();
        EXPECT_EQ(registers.rip, kHandler);
        EXPECT_EQ(registers.rdi, static_cast<std::uint64_t>(SIGUSR1));
        EXPECT_EQ(blocked(), SignalSet::of(SIGUSR1));
        const SignalFrame frame = frame_at(registers.rsp);
        EXPECT_EQ(frame.return_address, kRestorer);
        EXPECT_EQ(frame.context.machine.general[16], kCode);
        EXPECT_TRUE(frame.context.mask.empty());
        EXPECT_EQ(frame.info.signo, SIGUSR1);
        registers.rbx = 8;
        registers.rsp += 8;  // the handler has returned
        return syscall(SYS_rt_sigreturn);
      },
      [&](ScriptedContext& context) {
        EXPECT_EQ(context.registers().rip, kCode);
        EXPECT_EQ(context.registers().rbx, 7U);
        EXPECT_EQ(context.registers().rsp, kStackTop - 0x1000);
        EXPECT_TRUE(blocked().empty());
        return exit_with(3);
      },
  });
  EXPECT_EQ(status(), exited_status(3));
}

TEST_F(SignalDeliveryTest, PendingSignalsNestInOneGo) {
  handle(SIGUSR1);
  handle(SIGUSR2);
  run({
      [&](ScriptedContext&) {
        send(SIGUSR2);
        send(SIGUSR1);
        return kicked();
      },
      [&](ScriptedContext& context) {
        // The last frame interrupts the first instruction of the handler before it.
        EXPECT_EQ(context.registers().rdi, static_cast<std::uint64_t>(SIGUSR2));
        const SignalFrame frame = frame_at(context.registers().rsp);
        EXPECT_EQ(frame.context.machine.general[16], kHandler);
        EXPECT_EQ(frame.context.mask, SignalSet::of(SIGUSR1));
        return exit_with(0);
      },
  });
}

TEST_F(SignalDeliveryTest, PauseEndsWithEintr) {
  handle(SIGUSR1, SA_RESTART);
  run({
      [&](ScriptedContext&) {
        send(SIGUSR1);
        return syscall(SYS_pause, {}, false);
      },
      [&](ScriptedContext& context) {
        const SignalFrame frame = frame_at(context.registers().rsp);
        EXPECT_EQ(frame.context.machine.general[13], static_cast<std::uint64_t>(-EINTR));
        EXPECT_EQ(frame.context.machine.general[16], kCode);
        return exit_with(0);
      },
  });
}

TEST_F(SignalDeliveryTest, SigsuspendRestoresTheOldMaskThroughTheFrame) {
  handle(SIGUSR1);
  const std::uint64_t set_address = kStackTop - 64;
  run({
      [&](ScriptedContext&) {
        self->set_blocked_signals(SignalSet::of(SIGUSR1) | SignalSet::of(SIGHUP));
        const SignalSet temporary = SignalSet::of(SIGINT);
        EXPECT_TRUE(self->write(UserOut<SignalSet>{{set_address}}, temporary).ok());
        send(SIGUSR1);
        return syscall(SYS_rt_sigsuspend, {set_address, 8});
      },
      [&](ScriptedContext& context) {
        const SignalFrame frame = frame_at(context.registers().rsp);
        EXPECT_EQ(frame.context.mask, SignalSet::of(SIGUSR1) | SignalSet::of(SIGHUP));
        EXPECT_EQ(blocked(), SignalSet::of(SIGUSR1) | SignalSet::of(SIGINT));
        EXPECT_FALSE(self->saved_mask);
        return exit_with(0);
      },
  });
}

TEST_F(SignalDeliveryTest, ResetAndNoDefer) {
  handle(SIGUSR1, static_cast<std::uint32_t>(SA_RESETHAND) | SA_NODEFER);
  run({
      [&](ScriptedContext&) {
        send(SIGUSR1);
        return kicked();
      },
      [&](ScriptedContext&) {
        EXPECT_TRUE(blocked().empty());
        EXPECT_TRUE(is_default((*links(process).handlers)[SIGUSR1]));
        return exit_with(0);
      },
  });
}

TEST_F(SignalDeliveryTest, AutomaticallyDisarmedStackIsGoneInTheHandler) {
  handle(SIGUSR1, SA_ONSTACK);
  const auto auto_disarm = static_cast<std::int32_t>(1U << 31);
  run({
      [&](ScriptedContext&) {
        self->signal_stack = {kStack, auto_disarm, 0, 0x4000};
        send(SIGUSR1);
        return kicked();
      },
      [&](ScriptedContext& context) {
        EXPECT_LT(context.registers().rsp, kStack + 0x4000);
        EXPECT_EQ(self->signal_stack.size, 0U);
        context.registers().rsp += 8;
        return syscall(SYS_rt_sigreturn);
      },
      [&](ScriptedContext&) {
        EXPECT_EQ(self->signal_stack.base, kStack);
        EXPECT_EQ(self->signal_stack.flags, auto_disarm);
        return exit_with(0);
      },
  });
}

TEST_F(SignalDeliveryTest, FatalSignalIsTheStatus) {
  run({
      [&](ScriptedContext&) {
        send(SIGQUIT);
        return kicked();
      },
      [](ScriptedContext&) {
        ADD_FAILURE();
        return exit_with(0);
      },
  });
  EXPECT_EQ(status(), SIGQUIT);
}

TEST_F(SignalDeliveryTest, BadStackIsASegmentationFault) {
  handle(SIGUSR1);
  run({
      [&](ScriptedContext& context) {
        context.registers().rsp = 0x1000;
        send(SIGUSR1);
        return kicked();
      },
  });
  EXPECT_EQ(status(), SIGSEGV);
}

TEST_F(SignalDeliveryTest, BadStackIsHandledOnTheAlternateOne) {
  handle(SIGUSR1);
  handle(SIGSEGV, SA_ONSTACK | SA_SIGINFO);
  run({
      [&](ScriptedContext& context) {
        self->signal_stack = {kStack, 0, 0, 0x4000};
        context.registers().rsp = 0x1000;
        send(SIGUSR1);
        return kicked();
      },
      [&](ScriptedContext& context) {
        EXPECT_EQ(context.registers().rdi, static_cast<std::uint64_t>(SIGSEGV));
        EXPECT_EQ(frame_at(context.registers().rsp).info.code, SI_KERNEL);
        return exit_with(0);
      },
  });
}

TEST_F(SignalDeliveryTest, BadFrameIsASegmentationFault) {
  run({[](ScriptedContext& context) {
    context.registers().rsp = 0x1000;
    return syscall(SYS_rt_sigreturn);
  }});
  EXPECT_EQ(status(), SIGSEGV);
}

TEST_F(SignalDeliveryTest, FaultTellsWhetherTheAddressIsMapped) {
  handle(SIGSEGV, SA_SIGINFO | SA_NODEFER);
  const auto fault = [](std::uint64_t address) {
    return [address](ScriptedContext&) {
      Event event;
      event.kind = Event::Kind::kFault;
      event.full = true;
      event.signal = SIGSEGV;
      event.code = SEGV_ACCERR;
      event.address = address;
      event.trap_number = 14;
      event.error_code = 6;
      return event;
    };
  };
  const auto seen = [&](int code, std::uint64_t address) {
    const SignalFrame frame = frame_at(self->registers().rsp);
    EXPECT_EQ(frame.info.code, code);
    EXPECT_EQ(frame.info.get<std::uint64_t>(0), address);
    EXPECT_EQ(frame.context.machine.trap_number, 14U);
    EXPECT_EQ(frame.context.machine.error_code, 6U);
    EXPECT_EQ(frame.context.machine.fault_address, address);
  };
  run({
      fault(0x5000),
      [&](ScriptedContext& context) {
        seen(SEGV_MAPERR, 0x5000);
        return fault(kStack)(context);
      },
      [&](ScriptedContext&) {
        seen(SEGV_ACCERR, kStack);
        return exit_with(0);
      },
  });
}

TEST_F(SignalDeliveryTest, BlockedFaultKills) {
  handle(SIGSEGV);
  run({[&](ScriptedContext&) {
    self->set_blocked_signals(SignalSet::of(SIGSEGV));
    Event event;
    event.kind = Event::Kind::kFault;
    event.full = true;
    event.signal = SIGSEGV;
    event.code = SEGV_MAPERR;
    return event;
  }});
  EXPECT_EQ(status(), SIGSEGV);
}

TEST_F(SignalDeliveryTest, IgnoredWhileItSleptTheCallGoesOn) {
  const std::uint64_t duration = kStackTop - 64, remaining = kStackTop - 32;
  run({
      [&](ScriptedContext&) {
        const timespec time{0, 1'000'000};
        EXPECT_TRUE(self->write(UserOut<timespec>{{duration}}, time).ok());
        // Something woke it, and nothing is left to do.
        process->interrupt(*kernel.tasks().lock());
        return syscall(SYS_nanosleep, {duration, remaining});
      },
      [&](ScriptedContext& context) {
        EXPECT_EQ(context.registers().rax, 0U);
        EXPECT_EQ(context.registers().rip, kCode);
        return exit_with(0);
      },
  });
}

TEST_F(SignalDeliveryTest, TimedWaitTakesABlockedSignal) {
  const std::uint64_t set_address = kStackTop - 64, info_address = kStackTop - 256;
  run({
      [&](ScriptedContext&) {
        self->set_blocked_signals(SignalSet::of(SIGTERM));
        EXPECT_TRUE(self->write(UserOut<SignalSet>{{set_address}}, SignalSet::of(SIGTERM)).ok());
        send(SIGTERM);
        return syscall(SYS_rt_sigtimedwait, {set_address, info_address, 0, 8});
      },
      [&](ScriptedContext& context) {
        EXPECT_EQ(context.registers().rax, static_cast<std::uint64_t>(SIGTERM));
        EXPECT_EQ(self->read(UserIn<SignalInfo>{{info_address}})->signo, SIGTERM);
        EXPECT_FALSE(process->has_work());
        return exit_with(0);
      },
  });
  EXPECT_EQ(status(), 0);
}

}  // namespace
}  // namespace runsc
