#include "boot/platform/seccomp/zygote.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/rseq.h>
#include <sys/syscall.h>

#include <csignal>

#include "boot/base/host_call.h"
#include "boot/platform/seccomp/stub/stub.h"

namespace runsc::seccomp {
namespace {

constexpr unsigned long kSaRestorer = 0x04000000;

// struct kernel_sigaction of the host's rt_sigaction(2).
struct HostSigaction {
  std::uint64_t handler;
  unsigned long flags;
  std::uint64_t restorer;
  std::uint64_t mask;
};

// The handler runs with all signals blocked, so that its frame and its mailbox are the only ones.
bool install_handlers() {
  const HostSigaction action{stub_address(stub_signal_handler), SA_SIGINFO | SA_ONSTACK | SA_RESTART | kSaRestorer,
                             stub_address(stub_restorer), ~0ULL};
  for (const int signal : {SIGSYS, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, kick_signal()})
    if (syscall(SYS_rt_sigaction, signal, &action, nullptr, 8) != 0) return false;
  return true;
}

// The C library has told the host where this thread's rseq area lies; it is about to be unmapped.
void forget_rseq() {
  if (__rseq_size == 0) return;
  auto* area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  constexpr std::uint32_t kSizes[] = {32, 64, 28, 20};
  for (const std::uint32_t size : kSizes)
    if (syscall(SYS_rseq, area, size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0) return;
}

bool set_attributes() {
  forget_rseq();
  setsid();  // a terminal's signals are for the kernel to deliver
  // The application's memory must not land in a file of the host. 1, not 0: a core_pattern that pipes ignores 0.
  const rlimit no_core{1, 1};
  setrlimit(RLIMIT_CORE, &no_core);
  rlimit stack{};
  if (getrlimit(RLIMIT_STACK, &stack) == 0) {
    stack.rlim_cur = stack.rlim_max;  // the kernel has its own stack limit
    setrlimit(RLIMIT_STACK, &stack);
  }
  // Dumpable, or process_vm_readv needs a capability; no_new_privs, or a filter does.
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0 &&
         prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_NAME, "runsc-app") == 0;
}

// Raw calls, past what a sanitizer thinks of the addresses; its data that may lie there is not needed any more.
bool map_at(std::uint64_t address, std::uint64_t size, int prot, int fd) {
  constexpr int kFlags = MAP_SHARED | MAP_FIXED | MAP_NORESERVE;
  return syscall(SYS_mmap, address, size, prot, kFlags, fd, 0) == static_cast<long>(address);
}

bool map_stub(int text, int slot) {
  return map_at(STUB_BASE, STUB_TEXT_SIZE, PROT_READ | PROT_EXEC, text) &&
         map_at(STUB_SLOT, STUB_SLOT_SIZE, PROT_READ | PROT_WRITE, slot) &&
         syscall(SYS_mprotect, STUB_COMMAND, 0x1000, PROT_READ) == 0;
}

// What stub_zygote_entry unmaps: all but the stub, the vdso and its data.
struct Leftovers {
  explicit Leftovers(const Platform::Layout& layout)
      : low_length(layout.reserved_start),
        middle(layout.reserved_end),
        middle_length((layout.vdso != 0 ? layout.vvar : layout.task_size - 0x1000) - middle),
        high(layout.vdso != 0 ? layout.vdso + layout.vdso_size : layout.task_size - 0x1000),
        high_length(layout.task_size - high) {}
  std::uint64_t low_length;
  std::uint64_t middle, middle_length;
  std::uint64_t high, high_length;
};

// Leaves C++ and its memory for good. Nothing may be called between the assignment of the registers and the jump, not
// even by a sanitizer.
[[noreturn]] __attribute__((no_sanitize("thread"))) void enter_stub(const Leftovers& leftovers, std::uint64_t entry,
                                                                    std::uint64_t slot) {
  register std::uint64_t r10 asm("r10") = leftovers.middle_length;
  register std::uint64_t r8 asm("r8") = leftovers.high;
  register std::uint64_t r9 asm("r9") = leftovers.high_length;
  register std::uint64_t r14 asm("r14") = slot;
  asm volatile("jmp *%%rax" ::"a"(entry), "D"(0UL), "S"(leftovers.low_length), "d"(leftovers.middle), "r"(r10), "r"(r8),
               "r"(r9), "r"(r14)
               : "memory");
  __builtin_unreachable();
}

[[noreturn]] void zygote_main(const Platform::Layout& layout, int text, int slot) {
  if (!set_attributes() || !map_stub(text, slot) || !install_handlers()) _exit(1);
  enter_stub(Leftovers(layout), stub_address(stub_zygote_entry), static_cast<std::uint64_t>(slot));
}

}  // namespace

int kick_signal() { return SIGSTKFLT; }

Result<Agent> start_zygote(const Platform::Layout& layout, int text, Slot slot) {
  // The raw call: the C library's leaves two signals of its own unblocked.
  const std::uint64_t all = ~0ULL;
  std::uint64_t old = 0;
  TRY(HOST_CALL(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(old))));
  const long pid = syscall(SYS_clone, CLONE_FILES, 0, 0, 0, 0);
  if (pid == 0) zygote_main(layout, text, slot.fd());
  const Errno error = last_errno();
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, nullptr, sizeof(old));
  if (pid < 0) return error;
  return Agent(Process(static_cast<pid_t>(pid)), std::move(slot));
}

}  // namespace runsc::seccomp
