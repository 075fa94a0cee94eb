// Compares frames with those that the host's kernel builds for this very process.
#include "boot/kernel/signal_frame.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstring>

namespace runsc {
namespace {

// This process as an application.
class OwnMemory : public AddressSpace {
 public:
  Result<void> map(std::uint64_t, std::uint64_t, int, const MapOptions&, int, std::uint64_t) override { return no(); }
  Result<void> unmap(std::uint64_t, std::uint64_t) override { return no(); }
  Result<void> protect(std::uint64_t, std::uint64_t, int) override { return no(); }
  Result<void> remap(std::uint64_t, std::uint64_t, std::uint64_t, int, std::uint64_t) override { return no(); }
  Result<void> advise(std::uint64_t, std::uint64_t, int) override { return no(); }
  Result<void> sync(std::uint64_t, std::uint64_t, int) override { return no(); }
  std::shared_ptr<const PagingUsage> paging_usage() const override { return nullptr; }
  Result<std::int64_t> peak_resident_kib() override { return no(); }
  Result<std::vector<std::uint8_t>> resident(std::uint64_t, std::uint64_t) override { return no(); }
  Result<std::size_t> read(std::uint64_t address, std::span<std::byte> to) override {
    const Range range{address, to.size()};
    return readv({&range, 1}, to);
  }
  Result<std::size_t> write(std::uint64_t address, std::span<const std::byte> from) override {
    const Range range{address, from.size()};
    return writev({&range, 1}, from);
  }
  Result<std::size_t> readv(std::span<const Range> ranges, std::span<std::byte> to) override {
    std::size_t done = 0;
    for (const Range& range : ranges) {
      if (range.address < 4096) return Errno(EFAULT);
      std::memcpy(to.data() + done, reinterpret_cast<const void*>(range.address), range.length);
      done += range.length;
    }
    return done;
  }
  Result<std::size_t> writev(std::span<const Range> ranges, std::span<const std::byte> from) override {
    std::size_t done = 0;
    for (const Range& range : ranges) {
      if (range.length != 0 && range.address < 4096) return Errno(EFAULT);
      std::memcpy(reinterpret_cast<void*>(range.address), from.data() + done, range.length);
      done += range.length;
    }
    return done;
  }
  Result<void> force_write(std::uint64_t, std::span<const std::byte>) override { return no(); }
  Result<std::uint32_t> compare_exchange(std::uint64_t, std::uint32_t, std::uint32_t) override { return no(); }
  Result<int> futex_wake(std::uint64_t, int) override { return no(); }
  Result<std::unique_ptr<AddressSpace>> fork() override { return no(); }
  Result<std::unique_ptr<Context>> new_context(const ThreadState&) override { return no(); }
  int host_pid() const override { return 0; }

 private:
  static Errno no() { return Errno(ENOSYS); }
};

// What a handler saw of its frame.
struct Seen {
  SignalFrame frame;
  std::uint64_t address = 0;
  std::vector<std::byte> fp_state;
  Registers registers;  // at the interruption
};
Seen seen;
std::byte fp_copy[16384];
std::size_t fp_size;

void note_frame(int, siginfo_t* info, void* context) {
  const auto address = reinterpret_cast<std::uint64_t>(context) - offsetof(SignalFrame, context);
  std::memcpy(static_cast<void*>(&seen.frame), reinterpret_cast<const void*>(address), sizeof seen.frame);
  seen.address = address;
  EXPECT_EQ(reinterpret_cast<std::uint64_t>(info), address + offsetof(SignalFrame, info));
  std::memcpy(static_cast<void*>(&seen.registers), seen.frame.context.machine.general,
              sizeof seen.frame.context.machine.general);
  const auto* fp = reinterpret_cast<const std::byte*>(seen.frame.context.machine.fp_state);
  std::uint32_t extended_size;
  std::memcpy(&extended_size, fp + 468, sizeof extended_size);
  fp_size = extended_size;
  std::memcpy(fp_copy, fp, std::min(fp_size, sizeof fp_copy));
}

class SignalFrameTest : public testing::Test {
 protected:
  void catch_one(int flags) {
    struct sigaction action {
    }, old{};
    action.sa_sigaction = note_frame;
    action.sa_flags = SA_SIGINFO | flags;
    ASSERT_EQ(::sigaction(SIGUSR1, &action, &old), 0);
    ASSERT_EQ(::raise(SIGUSR1), 0);
    ASSERT_EQ(::sigaction(SIGUSR1, &old, nullptr), 0);
    seen.fp_state.assign(fp_copy, fp_copy + fp_size);
  }
  SignalStack native_stack() {
    stack_t native{};
    ::sigaltstack(nullptr, &native);
    return {reinterpret_cast<std::uint64_t>(native.ss_sp), native.ss_flags & ~SS_ONSTACK, 0, native.ss_size};
  }
  // Our frame for what the handler saw, compared byte for byte.
  void compare(const SignalStack& stack, std::uint64_t flags) {
    const auto place = place_signal_frame(seen.registers.rsp, stack, flags, seen.fp_state.size());
    ASSERT_TRUE(place);
    EXPECT_EQ(place->frame, seen.address);
    EXPECT_EQ(place->fp_state, seen.frame.context.machine.fp_state);
    const SignalAction action{0, flags, seen.frame.return_address, {}};
    const SignalFrame ours = make_signal_frame({seen.registers, stack, TrapRecord{}, seen.frame.context.mask}, *place,
                                               action, seen.frame.info);
    SignalFrame native = seen.frame;
    MachineContext& machine = native.context.machine;
    // Of the last page fault of this thread, and what nobody writes.
    machine.error_code = machine.trap_number = machine.fault_address = 0;
    std::memset(machine.reserved, 0, sizeof machine.reserved);
    native.context.stack.pad = 0;
    const auto* our_words = reinterpret_cast<const std::uint64_t*>(&ours);
    const auto* native_words = reinterpret_cast<const std::uint64_t*>(&native);
    for (std::size_t i = 0; i < sizeof ours / 8; ++i) EXPECT_EQ(our_words[i], native_words[i]) << "at offset " << i * 8;
  }
  OwnMemory memory;
};

TEST_F(SignalFrameTest, EqualsTheHostsOnTheNormalStack) {
  catch_one(0);
  compare(native_stack(), SA_SIGINFO);
}

TEST_F(SignalFrameTest, EqualsTheHostsOnTheAlternateStack) {
  alignas(64) static std::byte area[65536];
  const stack_t native{area, 0, sizeof area};
  ASSERT_EQ(::sigaltstack(&native, nullptr), 0);
  catch_one(SA_ONSTACK);
  compare(native_stack(), SA_SIGINFO | SA_ONSTACK);
  const stack_t none{nullptr, SS_DISABLE, 0};
  ASSERT_EQ(::sigaltstack(&none, nullptr), 0);
}

TEST_F(SignalFrameTest, FrameThatOverflowsTheAlternateStackHasNoPlace) {
  const SignalStack stack{0x10000, 0, 0, 2048};
  EXPECT_FALSE(place_signal_frame(0x7f0000000000, stack, SA_ONSTACK, 2048));
  EXPECT_TRUE(place_signal_frame(0x7f0000000000, stack, SA_ONSTACK, 512));
  // Nested on it already, without SA_ONSTACK.
  EXPECT_FALSE(place_signal_frame(0x10000 + 400, stack, 0, 0));
  EXPECT_TRUE(place_signal_frame(0x7f0000000000, stack, 0, 2048));
}

TEST_F(SignalFrameTest, WrittenFrameReadsBackTheSame) {
  catch_one(0);
  alignas(64) static std::byte stack[32768];
  const std::uint64_t sp = reinterpret_cast<std::uint64_t>(stack) + sizeof stack;
  const auto place = place_signal_frame(sp, {}, SA_SIGINFO, seen.fp_state.size());
  const SignalAction action{0x1234, SA_SIGINFO, 0x5678, {}};
  const SignalFrame frame = make_signal_frame({seen.registers, {}, {}, SignalSet(5)}, *place, action, seen.frame.info);
  ASSERT_TRUE(write_signal_frame(memory, *place, frame, SA_SIGINFO, seen.fp_state).ok());
  EXPECT_EQ(*reinterpret_cast<std::uint64_t*>(place->frame), 0x5678U);
  const auto context = read_signal_frame(memory, place->frame + 8);
  ASSERT_TRUE(context.ok());
  EXPECT_EQ(context->mask, SignalSet(5));
  EXPECT_EQ(std::memcmp(&context.value(), &frame.context, sizeof(UserContext)), 0);
  const auto fp = read_fp_state(memory, context->machine.fp_state, seen.fp_state);
  ASSERT_TRUE(fp.ok());
  EXPECT_EQ(*fp, seen.fp_state);
}

TEST_F(SignalFrameTest, FpStateWithoutMagicRestoresX87AndSseOnly) {
  catch_one(0);
  alignas(64) static std::byte area[16384];
  std::memcpy(area, seen.fp_state.data(), seen.fp_state.size());
  std::memset(area + 464, 0, 4);
  const auto fp = read_fp_state(memory, reinterpret_cast<std::uint64_t>(area), seen.fp_state);
  ASSERT_TRUE(fp.ok());
  EXPECT_EQ(std::memcmp(fp->data(), seen.fp_state.data(), 512), 0);
  std::uint64_t features;
  std::memcpy(&features, fp->data() + 512, 8);
  EXPECT_EQ(features, 3U);
}

TEST_F(SignalFrameTest, FpStateThatClaimsToBeLargerThanTheMachinesIsNotBelieved) {
  catch_one(0);
  alignas(64) static std::byte area[16384];
  std::memcpy(area, seen.fp_state.data(), seen.fp_state.size());
  const std::uint32_t huge = 0xffffff00;
  std::memcpy(area + 468, &huge, 4);
  std::memcpy(area + 480, &huge, 4);
  const auto fp = read_fp_state(memory, reinterpret_cast<std::uint64_t>(area), seen.fp_state);
  ASSERT_TRUE(fp.ok());
  EXPECT_EQ(fp->size(), seen.fp_state.size());
  EXPECT_EQ(std::memcmp(fp->data() + 464, seen.fp_state.data() + 464, 48), 0);
}

TEST_F(SignalFrameTest, BadAddressesAreFaults) {
  EXPECT_EQ(read_signal_frame(memory, 16).error(), Errno(EFAULT));
  catch_one(0);
  EXPECT_EQ(read_fp_state(memory, 16, seen.fp_state).error(), Errno(EFAULT));
  EXPECT_TRUE(read_fp_state(memory, 0, seen.fp_state)->empty());
}

TEST(Registers, OnlyUserFlagsAreRestored) {
  Registers registers;
  registers.rflags = 0x202;
  MachineContext machine;
  machine.general[16] = 0x4000;
  machine.general[17] = ~0ULL;
  restore_registers(registers, machine);
  EXPECT_EQ(registers.rip, 0x4000U);
  EXPECT_EQ(registers.rflags, 0x202 | kUserRflags);
}

TEST(Registers, HandlersStartWithCleanFlags) {
  Registers registers;
  registers.rflags = 0x202 | kDirectionFlag | kTrapFlag;
  enter_handler(registers, {0x7000, 0x8000}, {0x1234, 0, 0, {}}, SIGTERM);
  EXPECT_EQ(registers.rflags, 0x202U);
  EXPECT_EQ(registers.rip, 0x1234U);
  EXPECT_EQ(registers.rdi, static_cast<std::uint64_t>(SIGTERM));
  EXPECT_EQ(registers.rsp, 0x7000U);
  EXPECT_EQ(registers.rdx, 0x7008U);
  EXPECT_EQ(registers.rsi, 0x7000U + 8 + sizeof(UserContext));
}

TEST(SignalStack, ChangesAreChecked) {
  SignalStack stack;
  EXPECT_TRUE(change_signal_stack(stack, {0x10000, 0, 0, 8192}, 0x500000).ok());
  EXPECT_EQ(change_signal_stack(stack, {0x20000, 0, 0, 8192}, 0x11000).error(), Errno(EPERM));
  EXPECT_EQ(change_signal_stack(stack, {0x20000, 0, 0, 2047}, 0x500000).error(), Errno(ENOMEM));
  EXPECT_EQ(change_signal_stack(stack, {0x20000, 4, 0, 8192}, 0x500000).error(), Errno(EINVAL));
  EXPECT_EQ(signal_stack_status(stack, 0x11000), SS_ONSTACK);
  EXPECT_EQ(signal_stack_status(stack, 0x10000), 0);
  EXPECT_TRUE(change_signal_stack(stack, {0x20000, SS_DISABLE, 0, 5}, 0x500000).ok());
  EXPECT_EQ(stack.base, 0U);
  EXPECT_EQ(signal_stack_status(stack, 0x11000), SS_DISABLE);
}

TEST(SignalStack, AutomaticallyDisarmedOnesMayBeChangedAnywhere) {
  SignalStack stack;
  const auto auto_disarm = static_cast<std::int32_t>(1U << 31);
  EXPECT_TRUE(change_signal_stack(stack, {0x10000, auto_disarm, 0, 8192}, 0x500000).ok());
  EXPECT_TRUE(change_signal_stack(stack, {0x20000, auto_disarm, 0, 8192}, 0x11000).ok());
  EXPECT_EQ(signal_stack_status(stack, 0x21000), 0);
}

}  // namespace
}  // namespace runsc
