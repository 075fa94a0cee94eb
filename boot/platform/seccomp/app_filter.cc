#include "boot/platform/seccomp/app_filter.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

#include "boot/platform/native_calls.h"
#include "boot/platform/seccomp/stub/stub.h"

namespace runsc::seccomp {
namespace {

constexpr std::uint32_t kX32Bit = 0x40000000;

// Builds a program from blocks that either return or fall through to the next one with the system call's number in the
// accumulator.
class Program {
 public:
  void load(std::size_t offset) { add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset)); }
  void load_number() { load(offsetof(seccomp_data, nr)); }
  void ret(std::uint32_t action) { add(BPF_RET | BPF_K, action); }

  void ret_if_equal(std::uint32_t value, std::uint32_t action) {
    skip_unless(BPF_JEQ, value, 1);
    ret(action);
  }
  void ret_unless_equal(std::uint32_t value, std::uint32_t action) {
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
    ret(action);
  }
  // The next `count` instructions run only when the accumulator compares so with `value`.
  void skip_unless(std::uint16_t comparison, std::uint32_t value, std::uint8_t count) {
    code_.push_back(BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), value, 0, count));
  }
  void mask(std::uint32_t bits) { add(BPF_ALU | BPF_AND | BPF_K, bits); }

  // Call `number` returns `inside` when issued by the syscall instruction before `label`, else `outside`.
  void only_from(std::uint32_t number, const char* label, std::uint32_t inside, std::uint32_t outside) {
    const std::uint64_t address = stub_address(label);
    skip_unless(BPF_JEQ, number, 7);
    load(offsetof(seccomp_data, instruction_pointer));
    ret_unless_equal(static_cast<std::uint32_t>(address), outside);
    load(offsetof(seccomp_data, instruction_pointer) + 4);
    ret_unless_equal(static_cast<std::uint32_t>(address >> 32), outside);
    ret(inside);
  }

  // Call `number` is allowed when its argument `index`, after `bits` were masked, is one of `values`; else it notifies.
  void allow_argument(std::uint32_t number, int index, std::uint32_t bits, std::span<const std::uint32_t> values) {
    skip_unless(BPF_JEQ, number, static_cast<std::uint8_t>(3 + 2 * values.size()));
    load(offsetof(seccomp_data, args) + 8 * static_cast<std::size_t>(index));
    mask(bits);
    for (const std::uint32_t value : values) ret_if_equal(value, SECCOMP_RET_ALLOW);
    ret(SECCOMP_RET_USER_NOTIF);
  }

  std::vector<sock_filter> take() { return std::move(code_); }

 private:
  void add(std::uint16_t code, std::uint32_t k) { code_.push_back(BPF_STMT(code, k)); }
  std::vector<sock_filter> code_;
};

// When a filter is installed, the host runs it once for every call number of every architecture, to cache which calls
// it allows whatever their arguments are; each such run ends at the first load of anything but number and architecture.
// We have next to none to cache: ending it at once makes the start of a thread 60 us shorter.
void keep_out_of_the_cache(Program& program) { program.load(offsetof(seccomp_data, instruction_pointer)); }

// Other architectures' calls are refused: int 0x80 arrives in the signal handler and becomes a fault, x32 numbers do
// not exist, as on a host without x32.
void refuse_foreign_calls(Program& program) {
  program.load(offsetof(seccomp_data, arch));
  program.ret_unless_equal(AUDIT_ARCH_X86_64, SECCOMP_RET_TRAP);
  program.load_number();
  program.skip_unless(BPF_JGE, kX32Bit, 1);
  program.ret(SECCOMP_RET_ERRNO | ENOSYS);
}

void allow_native_calls(Program& program) {
  program.allow_argument(SYS_futex, 1, ~kFutexFlags, kNativeFutexCommands);
  // The same for several words. Which ones stands in the caller's memory: they are its own, whatever they are.
  program.ret_if_equal(SYS_futex_waitv, SECCOMP_RET_ALLOW);
  program.allow_argument(SYS_arch_prctl, 0, ~0u, kNativeArchPrctls);
}

// The host inserts it when a natively blocked futex was stopped or frozen.
void allow_restart(Program& program) { program.ret_if_equal(SYS_restart_syscall, SECCOMP_RET_ALLOW); }

// The stub's own calls. A jump there gains nothing: rt_sigreturn loads registers, rseq names memory of the
// application's own to the host, and the other three act on a descriptor table that is empty.
void allow_stub_calls(Program& program) {
  program.only_from(SYS_rt_sigreturn, stub_sigreturn, SECCOMP_RET_ALLOW, SECCOMP_RET_TRAP);
  program.only_from(SYS_rseq, stub_rseq, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF);
  program.only_from(SYS_dup3, stub_start_dup3, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF);
  program.only_from(SYS_close, stub_start_close, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF);
  program.only_from(SYS_close_range, stub_start_close_range, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF);
}

// Calls for which the kernel needs every register; and exit, because a thread that is stopped this way can start anew
// as another thread (HostThread).
void trap_full_calls(Program& program) {
  for (const std::uint32_t number : {SYS_clone, SYS_clone3, SYS_fork, SYS_vfork, SYS_execve, SYS_execveat, SYS_exit})
    program.ret_if_equal(number, SECCOMP_RET_TRAP);
}

}  // namespace

std::vector<sock_filter> application_filter() {
  Program program;
  keep_out_of_the_cache(program);
  refuse_foreign_calls(program);
  allow_native_calls(program);
  allow_restart(program);
  allow_stub_calls(program);
  trap_full_calls(program);
  program.ret(SECCOMP_RET_USER_NOTIF);
  return program.take();
}

std::vector<sock_filter> guarded_application_filter() {
  Program program;
  keep_out_of_the_cache(program);
  program.load(offsetof(seccomp_data, arch));
  program.ret_unless_equal(AUDIT_ARCH_X86_64, SECCOMP_RET_TRAP);
  program.load_number();
  allow_restart(program);
  // The start of the thread. Who jumps there later gets one call and then the breakdown behind it.
  program.only_from(SYS_futex, stub_start_wake, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF);
  allow_stub_calls(program);
  trap_full_calls(program);
  program.ret(SECCOMP_RET_USER_NOTIF);
  return program.take();
}

std::vector<sock_filter> worker_filter() {
  Program program;
  keep_out_of_the_cache(program);
  program.load_number();
  program.ret_if_equal(DOORBELL_NUMBER, SECCOMP_RET_USER_NOTIF);
  program.ret(SECCOMP_RET_ALLOW);
  return program.take();
}

}  // namespace runsc::seccomp
