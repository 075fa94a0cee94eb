// How application code runs: one Platform per sandbox, one AddressSpace per Linux mm, one Context per Linux task.
//
// The interface behind which the tiers of the seccomp platform (boot/platform/seccomp) stand, and behind which other
// platforms can come. Nothing above it knows about agents, mailboxes, filters or host threads.
//
// Everything a Context or AddressSpace reports may have been forged by the application: register values are whatever
// the application likes, but they are consistent copies that no other thread can change after they were read.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "boot/arch/registers.h"
#include "boot/base/result.h"

namespace runsc {

// A registration of rseq(2), which the host keeps for each thread of the application.
struct RseqArea {
  std::uint64_t address = 0;  // 0: none
  std::uint32_t length = 0;
  std::uint32_t signature = 0;
  friend bool operator==(const RseqArea&, const RseqArea&) = default;
};

// The complete state with which a Context starts or continues: what fork copies and execve replaces.
struct ThreadState {
  Registers registers;
  // The XSAVE area in the format of a signal frame (struct _fpstate with FP_XSTATE_MAGIC); empty: the initial state.
  std::vector<std::byte> fp_state;
  // The thread executes no call natively, not even those that are otherwise left to the host (futex waits): each is an
  // event, and those may then be answered by continue_natively(). For tasks with seccomp filters of their own.
  bool no_native_calls = false;
  // What the thread registers before its first instruction. That the host refuses it is nobody's error: the memory may
  // be gone.
  RseqArea rseq;
};

// Why a Context stopped running application code.
struct Event {
  enum class Kind {
    kSyscall,  // number and arguments below; `full`: the other registers are known too (state() may be called)
    kFault,    // a processor exception, as the signal that Linux would send; full
    kKicked,   // kick() reached the thread while it ran application code; full
    kGone,     // the host thread has died (host OOM killer, or the application broke its own stub)
  };
  Kind kind = Kind::kGone;
  bool full = false;
  // kSyscall
  std::uint64_t number = 0;
  std::array<std::uint64_t, 6> args{};
  std::uint64_t instruction_pointer = 0;  // after the syscall instruction
  // kGone: SIGSEGV when the host ended the thread because it could not use the memory that rseq(2) named; else 0.
  // kFault: host siginfo's si_signo, si_code, si_addr; trap number and error code as in a sigcontext.
  int signal = 0;
  int code = 0;
  std::uint64_t address = 0;
  std::uint64_t trap_number = 0;
  std::uint64_t error_code = 0;
};

// One thread of the application. All functions but kick() and kill() are called by the one task thread that serves it.
class Context {
 public:
  virtual ~Context() = default;  // kills and reaps the host thread

  // Lets the thread run until the next event and returns that. The first call starts the thread in its initial state.
  // Before each later call the last event must have been answered by one of the next three functions.
  virtual Event wait() = 0;

  // Answers a kSyscall event: the thread continues after its syscall instruction with `value` in rax.
  virtual void finish_syscall(std::int64_t value) = 0;

  // Answers a kSyscall event that is safe to execute natively: only munmap, mprotect, madvise, mremap without MAYMOVE,
  // mlock, munlock, msync and anonymous MAP_FIXED mmap, after their arguments were checked (no pointer arguments, range
  // outside the reserved region); rseq, after the checks of rseq(2); and what a thread without `no_native_calls`
  // executes natively anyway. Only when !event.full. The host executes the call some time after this function returned
  // and before the thread's next event.
  virtual void continue_natively() = 0;

  // Continues with state(), possibly changed. Only when full.
  virtual void resume() = 0;

  // Makes the present event full. A kSyscall event that is not full is answered with `value` first, the thread is then
  // stopped again before its next instruction; state().registers.rax == value. EIO: the thread is gone.
  virtual Result<void> capture(std::int64_t value) = 0;

  // Has the thread execute the system call that its registers (of a full event) describe, rax being the number and rip
  // what follows the syscall instruction: only rseq and calls that threads without `no_native_calls` execute anyway.
  // Blocks as long as the call does; kick() interrupts it. Afterwards the event is full again and rax holds the result.
  // False: it was interrupted and has not done anything yet; rax is then not changed. EIO: the thread is gone.
  virtual Result<bool> call_natively() = 0;

  // The registers of a full event; changes take effect at resume().
  virtual Registers& registers() = 0;
  // The FP state of a full event in the format of ThreadState::fp_state.
  virtual std::span<const std::byte> fp_state() const = 0;
  // Replaces it; an empty span means the initial state. EINVAL: the bytes are not a valid XSAVE area (untrusted input:
  // header, magic numbers and reserved fields are checked here, since the host restores it).
  virtual Result<void> set_fp_state(std::span<const std::byte> bytes) = 0;

  // What the thread has registered by rseq(2), as far as its calls were continued natively.
  virtual const RseqArea& rseq() const = 0;

  // Makes a thread that is running application code, or is blocked in a natively allowed call, stop with an event soon
  // (kKicked, or whatever else came first). Called from any thread; may be spurious, never lost: if the thread is
  // between events the next wait() returns promptly.
  virtual void kick() = 0;

  // Ends the host thread at once, as if by SIGKILL; wait() then returns kGone. From any thread, idempotent.
  virtual void kill() = 0;

  // The host's processors (bit n: number n) on which the thread may run from now on; without it, wherever the platform
  // may. From any thread.
  virtual void run_on(std::uint64_t processors) = 0;

  // The host's thread id, for accounting of CPU time; from any thread. A host thread may have served another context
  // before: what counts is the difference to its CPU time at the first event.
  virtual int host_tid() const = 0;
};

// What the host processes behind one address space have used, of those that have ended. Outlives it; thread-safe.
struct PagingUsage {
  std::atomic<std::int64_t> minor_faults{0};
  std::atomic<std::int64_t> major_faults{0};
  std::atomic<std::int64_t> peak_resident_kib{0};  // 0 until the address space has ended
};

// How a range of host memory is shared when it is mapped.
enum class Sharing { kPrivate, kShared };

// One application address space. Thread-safe. All addresses are application addresses; every range that touches
// [reserved_start, reserved_end) of the Platform, or is not below Platform::task_size(), is refused with EFAULT
// (copies) or ENOMEM (mappings). Lengths and addresses of mappings are page-aligned; `prot` is PROT_* of mmap(2).
class AddressSpace {
 public:
  virtual ~AddressSpace() = default;  // all its Contexts must be gone

  struct MapOptions {
    Sharing sharing = Sharing::kPrivate;
    bool no_reserve = false;
    bool populate = false;
    bool grows_down = false;
    bool locked = false;
  };
  // Maps at exactly `address`, replacing what is there. `fd` < 0: anonymous; else a descriptor of this process,
  // borrowed for the call.
  virtual Result<void> map(std::uint64_t address, std::uint64_t length, int prot, const MapOptions& options, int fd,
                           std::uint64_t offset) = 0;
  struct Mapping {
    std::uint64_t address = 0;
    std::uint64_t length = 0;
    int prot = 0;
    MapOptions options;
    int fd = -1;
    std::uint64_t offset = 0;
  };
  // As map() of each in order, for the price of few. After an error nobody knows which of them exist.
  virtual Result<void> map_all(std::span<const Mapping> mappings) {
    for (const Mapping& each : mappings)
      TRY(map(each.address, each.length, each.prot, each.options, each.fd, each.offset));
    return {};
  }
  virtual Result<void> unmap(std::uint64_t address, std::uint64_t length) = 0;
  virtual Result<void> protect(std::uint64_t address, std::uint64_t length, int prot) = 0;
  // mremap(2) with the host's own flags (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP); new_address is given, and
  // lies outside the reserved region, whenever the range moves.
  virtual Result<void> remap(std::uint64_t old_address, std::uint64_t old_length, std::uint64_t new_length, int flags,
                             std::uint64_t new_address) = 0;
  // madvise(2) with an advice that the caller has checked.
  virtual Result<void> advise(std::uint64_t address, std::uint64_t length, int advice) = 0;
  // msync(2); mincore(2) for `length` / 4096 pages.
  virtual Result<void> sync(std::uint64_t address, std::uint64_t length, int flags) = 0;
  virtual Result<std::vector<std::uint8_t>> resident(std::uint64_t address, std::uint64_t length) = 0;

  // Copies between the application and the kernel, honouring the application's page protections. Returns how many bytes
  // were copied before the first inaccessible one; EFAULT when that is none (and the request was not empty).
  virtual Result<std::size_t> read(std::uint64_t address, std::span<std::byte> to) = 0;
  virtual Result<std::size_t> write(std::uint64_t address, std::span<const std::byte> from) = 0;
  struct Range {
    std::uint64_t address;
    std::uint64_t length;
  };
  // Scatter and gather in one host call where possible; `ranges` may be empty or hold empty ranges.
  virtual Result<std::size_t> readv(std::span<const Range> ranges, std::span<std::byte> to) = 0;
  virtual Result<std::size_t> writev(std::span<const Range> ranges, std::span<const std::byte> from) = 0;
  // Writes text that is mapped without PROT_WRITE (a debugger's breakpoint).
  virtual Result<void> force_write(std::uint64_t address, std::span<const std::byte> from) = 0;
  // Atomic compare-and-exchange on an aligned 32-bit word of the application, for PI futexes and robust lists. Returns
  // the value found.
  virtual Result<std::uint32_t> compare_exchange(std::uint64_t address, std::uint32_t expected,
                                                 std::uint32_t desired) = 0;

  // Wakes up to `count` threads that wait natively on the word (futex(2) FUTEX_WAKE, not private), for the end of a
  // thread (set_tid_address(2)) and robust lists. Returns how many.
  virtual Result<int> futex_wake(std::uint64_t address, int count) = 0;

  // A copy-on-write copy. The caller keeps other mapping calls away while it runs.
  virtual Result<std::unique_ptr<AddressSpace>> fork() = 0;

  // A new thread that will start in `state`.
  virtual Result<std::unique_ptr<Context>> new_context(const ThreadState& state) = 0;

  // What the host calls the processes behind it that are made from now on (what is printable of at most 15 bytes): for
  // a person who looks at the host with ps, nothing depends on it.
  virtual void set_name(std::string_view) {}

  // Never null.
  virtual std::shared_ptr<const PagingUsage> paging_usage() const = 0;
  // The most that was resident at once so far, in KiB.
  virtual Result<std::int64_t> peak_resident_kib() = 0;

  // A host process whose memory map is this address space, for smaps-like accounting. Borrowed.
  virtual int host_pid() const = 0;
};

class Platform {
 public:
  virtual ~Platform() = default;

  // A process of the host from which address spaces are forked. They, and what is forked from them, are born where it
  // is: in its cgroups, with its oom_score_adj and its scheduling. Ends when destroyed; address spaces outlive it.
  class Birthplace {
   public:
    virtual ~Birthplace() = default;
    virtual int host_pid() const = 0;
  };
  virtual Result<std::unique_ptr<Birthplace>> new_birthplace() = 0;

  // An address space with nothing mapped but the stub and the host's vdso. `birthplace`: one of this platform's; null:
  // the one that all have in common.
  virtual Result<std::unique_ptr<AddressSpace>> new_address_space(Birthplace* birthplace = nullptr) = 0;

  // Application addresses lie in [mmap_min, task_size), except [reserved_start, reserved_end) and the vdso.
  struct Layout {
    std::uint64_t mmap_min = 0x10000;
    std::uint64_t task_size = 0;
    std::uint64_t reserved_start = 0;
    std::uint64_t reserved_end = 0;
    std::uint64_t vdso = 0;  // where AT_SYSINFO_EHDR points; 0: none
    std::uint64_t vdso_size = 0;
    std::uint64_t vvar = 0;  // the host's data pages that belong to it
    std::uint64_t vvar_size = 0;
  };
  virtual const Layout& layout() const = 0;
};

}  // namespace runsc
