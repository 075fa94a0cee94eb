// Signals as the x86-64 system calls see them (signal(7), rt_sigaction(2);
// arch/x86/include/uapi/asm/{signal,siginfo}.h).
#pragma once

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "boot/abi/ids.h"

namespace runsc {

inline constexpr int kSignalCount = 64;

// Bit n-1 stands for signal n.
class SignalSet {
 public:
  constexpr SignalSet() = default;
  constexpr explicit SignalSet(std::uint64_t bits) : bits_(bits) {}
  static constexpr SignalSet of(int signal) { return SignalSet(1ULL << (signal - 1)); }

  constexpr std::uint64_t bits() const { return bits_; }
  constexpr bool contains(int signal) const { return (bits_ >> (signal - 1)) & 1; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr void add(int signal) { bits_ |= 1ULL << (signal - 1); }
  constexpr void remove(int signal) { bits_ &= ~(1ULL << (signal - 1)); }
  constexpr SignalSet operator|(SignalSet other) const { return SignalSet(bits_ | other.bits_); }
  constexpr SignalSet operator&(SignalSet other) const { return SignalSet(bits_ & other.bits_); }
  constexpr SignalSet operator~() const { return SignalSet(~bits_); }
  // The lowest signal in the set. Precondition: not empty.
  constexpr int first() const { return __builtin_ctzll(bits_) + 1; }
  friend constexpr bool operator==(SignalSet, SignalSet) = default;

 private:
  std::uint64_t bits_ = 0;
};

inline constexpr SignalSet kUnblockable = SignalSet::of(SIGKILL) | SignalSet::of(SIGSTOP);

// struct kernel_sigaction.
struct SignalAction {
  std::uint64_t handler = 0;  // SIG_DFL, SIG_IGN or a function
  std::uint64_t flags = 0;
  std::uint64_t restorer = 0;
  SignalSet mask;
};
static_assert(sizeof(SignalAction) == 32);

// siginfo_t with its 64-bit layout. The union is read and written with the accessors of the kind that si_code names.
struct SignalInfo {
  std::int32_t signo = 0;
  std::int32_t error = 0;
  std::int32_t code = 0;
  std::int32_t pad = 0;
  std::byte fields[112] = {};

  // kill, tgkill, sigqueue, SIGCHLD: pid and uid come first.
  void set_sender(Pid pid, Uid uid) {
    put(0, raw(pid));
    put(4, raw(uid));
  }
  // SIGCHLD after set_sender().
  void set_child(std::int32_t status, std::int64_t utime_ticks, std::int64_t stime_ticks) {
    put(8, status);
    put(16, utime_ticks);
    put(24, stime_ticks);
  }
  // sigqueue after set_sender().
  void set_value(std::uint64_t value) { put(8, value); }
  // SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP.
  void set_fault(std::uint64_t address) { put(0, address); }
  // POSIX timers.
  void set_timer(std::int32_t timer_id, std::int32_t overrun, std::uint64_t value) {
    put(0, timer_id);
    put(4, overrun);
    put(8, value);
  }
  // SIGIO.
  void set_poll(std::int64_t band, std::int32_t fd) {
    put(0, band);
    put(8, fd);
  }
  // SIGSYS of the application's own seccomp filters.
  void set_syscall(std::uint64_t call_address, std::int32_t number, std::uint32_t arch) {
    put(0, call_address);
    put(8, number);
    put(12, arch);
  }
  std::int32_t sender_pid() const { return get<std::int32_t>(0); }
  std::uint32_t sender_uid() const { return get<std::uint32_t>(4); }
  std::uint64_t value() const { return get<std::uint64_t>(8); }

  template <typename T>
  void put(std::size_t offset, T value) {
    std::memcpy(fields + offset, &value, sizeof(T));
  }
  template <typename T>
  T get(std::size_t offset) const {
    T value;
    std::memcpy(&value, fields + offset, sizeof(T));
    return value;
  }
};
static_assert(sizeof(SignalInfo) == 128);

// stack_t.
struct SignalStack {
  std::uint64_t base = 0;
  std::int32_t flags = SS_DISABLE;
  std::int32_t pad = 0;
  std::uint64_t size = 0;
};
static_assert(sizeof(SignalStack) == 24);

}  // namespace runsc
