// MemoryManager: one application address space as Linux's mm knows it: the VMAs, the heap, limits and accounting. The
// platform's AddressSpace holds the real mappings; this class decides where they lie and what they may do.
//
// Thread-safe (LockLevel::kMemory). Every range is checked before anything changes; a call that fails half-way in the
// platform leaves the VMA list describing what the host has.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/platform/platform.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// One range with one protection and one backing (struct vm_area_struct).
struct Vma {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  int protection = 0;      // PROT_*
  int max_protection = PROT_READ | PROT_WRITE | PROT_EXEC;  // what mprotect(2) may grant
  bool shared = false;
  bool grows_down = false;
  bool locked = false;
  bool no_reserve = false;
  bool dont_fork = false;      // MADV_DONTFORK
  bool wipe_on_fork = false;   // MADV_WIPEONFORK
  bool dont_dump = false;
  FilePtr file;                // null: anonymous
  std::uint64_t offset = 0;    // of `start` in the file
  std::string name;            // "[heap]", "[stack]", "[vdso]", or empty; anonymous shared memory: "/dev/zero (deleted)"
};

struct MmapRequest {
  std::uint64_t address = 0;  // a hint unless MAP_FIXED or MAP_FIXED_NOREPLACE
  std::uint64_t length = 0;
  int protection = 0;
  int flags = 0;  // MAP_* of mmap(2), unchecked
  FilePtr file;   // null with MAP_ANONYMOUS
  std::uint64_t offset = 0;
  std::string name;
};

class MemoryManager {
 public:
  // `stack_limit`: RLIMIT_STACK, which decides where mappings begin.
  static Result<std::shared_ptr<MemoryManager>> create(Platform& platform, std::uint64_t stack_limit);
  ~MemoryManager();

  AddressSpace& space() { return *space_; }

  // Limits of the calling process, given with each call because processes of one mm (vfork) have their own.
  struct CallLimits {
    static constexpr std::uint64_t kUnlimited = ~0ULL;
    std::uint64_t address_space = kUnlimited;
    std::uint64_t data = kUnlimited;
    std::uint64_t locked = kUnlimited;
    std::uint64_t stack = 8 << 20;
  };

  Result<std::uint64_t> mmap(const MmapRequest& request, const CallLimits& limits);
  Result<std::uint64_t> mremap(std::uint64_t old_address, std::uint64_t old_length, std::uint64_t new_length, int flags,
                               std::uint64_t new_address, const CallLimits& limits);
  Result<std::uint64_t> brk(std::uint64_t address, const CallLimits& limits);
  // These may be executed by the application's own thread (Context::continue_natively): with `natively` set they only
  // check and update the VMAs, and return true if the caller must let the host execute the call.
  Result<bool> munmap(std::uint64_t address, std::uint64_t length, bool natively);
  Result<bool> mprotect(std::uint64_t address, std::uint64_t length, int protection, bool natively);
  Result<bool> madvise(std::uint64_t address, std::uint64_t length, int advice, bool natively);
  Result<void> msync(std::uint64_t address, std::uint64_t length, int flags);
  Result<std::vector<std::uint8_t>> mincore(std::uint64_t address, std::uint64_t length);
  Result<void> lock(std::uint64_t address, std::uint64_t length, const CallLimits& limits);
  Result<void> unlock(std::uint64_t address, std::uint64_t length);
  Result<void> lock_all(int flags, const CallLimits& limits);
  Result<void> unlock_all();

  // fork(2).
  Result<std::shared_ptr<MemoryManager>> fork();

  // For /proc/pid/maps, in ascending order.
  std::vector<Vma> vmas() const;
  struct Totals {
    std::uint64_t virtual_bytes = 0, peak_virtual_bytes = 0, locked_bytes = 0, data_bytes = 0, stack_bytes = 0,
                  text_bytes = 0, library_bytes = 0;
  };
  Totals totals() const;

  // A fault that Linux would turn into stack growth is handled natively by the host; the list is updated by this call.
  // Whether the address lies in a VMA decides SEGV_MAPERR or SEGV_ACCERR.
  bool mapped(std::uint64_t address) const;

  // What execve(2) and prctl(2) PR_SET_MM record: /proc/pid/cmdline, environ, auxv, stat.
  struct Image {
    std::uint64_t code_start = 0, code_end = 0, data_start = 0, data_end = 0, brk_start = 0, stack_start = 0;
    std::uint64_t args_start = 0, args_end = 0, env_start = 0, env_end = 0;
    std::vector<std::uint64_t> auxv;
    FilePtr executable;
    VfsPath executable_path;
  };
  Image image() const;
  void set_image(Image image);
  // Where the heap begins: page-aligned end of bss, randomised by the loader. Only while the image is set up.
  void set_brk_start(std::uint64_t address);

 private:
  MemoryManager(std::unique_ptr<AddressSpace> space, const Platform::Layout& layout);

  struct State {
    std::map<std::uint64_t, Vma> vmas;  // by end address
    Image image;
    std::uint64_t brk = 0;
  };
  std::unique_ptr<AddressSpace> space_;
  Guarded<State, LockLevel::kMemory> state_;
};

}  // namespace runsc
