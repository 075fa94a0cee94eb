// An application for tests: the code of guest_code.S with a stack and data in an address space of its own.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "boot/platform/seccomp/seccomp_platform.h"

extern "C" {
#define DECLARE_GUEST(name) extern const char name[]
DECLARE_GUEST(__start_guest_code);
DECLARE_GUEST(__stop_guest_code);
DECLARE_GUEST(guest_syscall_loop);
DECLARE_GUEST(guest_syscall_once);
DECLARE_GUEST(guest_syscall_count);
DECLARE_GUEST(guest_spin);
DECLARE_GUEST(guest_count);
DECLARE_GUEST(guest_store);
DECLARE_GUEST(guest_int80);
DECLARE_GUEST(guest_illegal);
DECLARE_GUEST(guest_privileged);
DECLARE_GUEST(guest_divide);
DECLARE_GUEST(guest_futex_wait);
DECLARE_GUEST(guest_futex_wake);
DECLARE_GUEST(guest_fp);
DECLARE_GUEST(guest_fp_spin);
DECLARE_GUEST(guest_fp_store);
DECLARE_GUEST(guest_call);
DECLARE_GUEST(guest_fill);
DECLARE_GUEST(guest_jump);
DECLARE_GUEST(guest_mmap_loop);
DECLARE_GUEST(guest_fork_loop);
DECLARE_GUEST(guest_spoil);
DECLARE_GUEST(guest_trap_loop);
DECLARE_GUEST(guest_requeue);
#undef DECLARE_GUEST
}

namespace runsc {

inline constexpr std::uint64_t kGuestCode = 0x10000000;
inline constexpr std::uint64_t kGuestStack = 0x20000000;
inline constexpr std::uint64_t kGuestStackSize = 0x10000;
inline constexpr std::uint64_t kGuestData = 0x30000000;
inline constexpr std::uint64_t kGuestDataSize = 0x10000;
inline constexpr std::uint64_t kUserFlags = 0x202;

// Where a label of guest_code.S lies in the guest.
inline std::uint64_t guest_address(const char* label) {
  return kGuestCode + static_cast<std::uint64_t>(label - __start_guest_code);
}

// A state that starts at `label` with the usual stack and rdi = kGuestData.
inline ThreadState guest_state(const char* label) {
  ThreadState state;
  state.registers.rip = guest_address(label);
  state.registers.rsp = kGuestStack + kGuestStackSize;
  state.registers.rdi = kGuestData;
  state.registers.rflags = kUserFlags;
  return state;
}

// Maps code, stack and data.
inline void load_guest(AddressSpace& space) {
  const auto size = static_cast<std::size_t>(__stop_guest_code - __start_guest_code);
  constexpr int kReadWrite = 3;
  constexpr int kReadExecute = 5;
  constexpr std::uint64_t kCodeSize = 0x4000;
  ASSERT_LE(size, kCodeSize);
  ASSERT_TRUE(space.map(kGuestCode, kCodeSize, kReadWrite, {}, -1, 0).ok());
  ASSERT_TRUE(space.map(kGuestStack, kGuestStackSize, kReadWrite, {}, -1, 0).ok());
  ASSERT_TRUE(space.map(kGuestData, kGuestDataSize, kReadWrite, {}, -1, 0).ok());
  const auto written = space.write(kGuestCode, std::as_bytes(std::span(__start_guest_code, size)));
  ASSERT_TRUE(written.ok());
  ASSERT_EQ(*written, size);
  ASSERT_TRUE(space.protect(kGuestCode, kCodeSize, kReadExecute).ok());
}

template <typename T>
T peek(AddressSpace& space, std::uint64_t address) {
  T value{};
  const auto count = space.read(address, std::as_writable_bytes(std::span(&value, 1)));
  EXPECT_TRUE(count.ok() && *count == sizeof(value));
  return value;
}

template <typename T>
void poke(AddressSpace& space, std::uint64_t address, const T& value) {
  const auto count = space.write(address, std::as_bytes(std::span(&value, 1)));
  EXPECT_TRUE(count.ok() && *count == sizeof(value));
}

// One platform per test; tests start single-threaded.
class PlatformTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string error;
    platform_ = make_seccomp_platform(error);
    ASSERT_NE(platform_, nullptr) << error;
    space_ = new_guest();
  }
  void TearDown() override {
    space_.reset();
    platform_.reset();
  }
  std::unique_ptr<AddressSpace> new_guest() {
    auto space = platform_->new_address_space();
    EXPECT_TRUE(space.ok());
    load_guest(**space);
    return std::move(space).value();
  }
  static std::unique_ptr<Context> start(AddressSpace& space, const ThreadState& state) {
    auto context = space.new_context(state);
    EXPECT_TRUE(context.ok());
    return context.ok() ? std::move(context).value() : nullptr;
  }

  std::unique_ptr<Platform> platform_;
  std::unique_ptr<AddressSpace> space_;
};

}  // namespace runsc
