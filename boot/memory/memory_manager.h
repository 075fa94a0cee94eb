// MemoryManager: one application address space as Linux's mm knows it: the VMAs, the heap, limits and accounting. The
// platform's AddressSpace holds the real mappings; this class decides where they lie and what they may do.
//
// Thread-safe (LockLevel::kMemory). Every range is checked before anything changes; a call that fails half-way in the
// platform leaves the VMA list describing what the host has.
#pragma once

#include <sys/mman.h>

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/memory/native_calls.h"
#include "boot/memory/vma.h"
#include "boot/memory/vma_map.h"
#include "boot/platform/platform.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// Whether some of it raises SIGBUS.
bool has_part_beyond_end(const FileMapping& mapping);

struct MmapRequest {
  std::uint64_t address = 0;  // a hint unless MAP_FIXED or MAP_FIXED_NOREPLACE
  std::uint64_t length = 0;
  int protection = 0;
  int flags = 0;  // MAP_* of mmap(2), unchecked
  FilePtr file;   // null with MAP_ANONYMOUS
  std::uint64_t offset = 0;
  std::string name;
};

class MemoryManager : public FileMapper, public std::enable_shared_from_this<MemoryManager> {
 public:
  // `stack_limit`: RLIMIT_STACK, which decides where mappings begin. `randomize`: not under ADDR_NO_RANDOMIZE of
  // personality(2).
  static Result<std::shared_ptr<MemoryManager>> create(Platform& platform, std::uint64_t stack_limit,
                                                       bool randomize = true,
                                                       Platform::Birthplace* birthplace = nullptr);
  ~MemoryManager() override;

  AddressSpace& space() { return *space_; }
  const Platform::Layout& layout() const { return layout_; }

  // Limits of the calling process, given with each call because processes of one mm (vfork) have their own.
  struct CallLimits {
    static constexpr std::uint64_t kUnlimited = ~0ULL;
    std::uint64_t address_space = kUnlimited;
    std::uint64_t data = kUnlimited;
    std::uint64_t locked = kUnlimited;  // kUnlimited also for callers with CAP_IPC_LOCK
    std::uint64_t stack = 8 << 20;
  };

  Result<std::uint64_t> mmap(const MmapRequest& request, const CallLimits& limits);
  Result<std::uint64_t> mremap(std::uint64_t old_address, std::uint64_t old_length, std::uint64_t new_length, int flags,
                               std::uint64_t new_address, const CallLimits& limits);
  // Returns the new end of the heap, or the old one where Linux refuses.
  std::uint64_t brk(std::uint64_t address, const CallLimits& limits);

  // These may be executed by the application's own thread (Context::continue_natively). Given that thread's context,
  // they check, update the VMAs, and return true if the caller must let the host execute the call with its original
  // arguments; the task then calls native_call_done() at the thread's next event, whatever that is, and before it
  // destroys the context. Without a context, and whenever they return false, the call is complete.
  Result<bool> munmap(std::uint64_t address, std::uint64_t length, Context* native = nullptr);
  Result<bool> mprotect(std::uint64_t address, std::uint64_t length, int protection, const CallLimits& limits,
                        Context* native = nullptr);
  Result<bool> madvise(std::uint64_t address, std::uint64_t length, int advice, Context* native = nullptr);
  // mmap() for private anonymous memory with MAP_FIXED and nothing unusual among the flags.
  Result<bool> mmap_fixed(const MmapRequest& request, const CallLimits& limits, Context* native);
  void native_call_done(Context& context);

  Result<void> msync(std::uint64_t address, std::uint64_t length, int flags);
  Result<std::vector<std::uint8_t>> mincore(std::uint64_t address, std::uint64_t length);
  // mlock(2) and its family keep the books (VmLck, RLIMIT_MEMLOCK) and fault the pages in; the host's own limit does
  // not allow to pin them. `on_fault`: MLOCK_ONFAULT.
  Result<void> lock(std::uint64_t address, std::uint64_t length, bool on_fault, const CallLimits& limits);
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

  // Whether the address lies in a VMA, which decides SEGV_MAPERR or SEGV_ACCERR.
  bool mapped(std::uint64_t address) const;
  // Whether the range has no hole.
  bool covers(AddressRange range) const;
  // A fault at `address`, or a copy that failed there: if Linux would let a stack grow down to it, that is done and the
  // access may be tried again.
  bool grow_stack(std::uint64_t address, const CallLimits& limits);

  // A SIGBUS at `address`: if the file mapped there has grown since, the pages are mapped and the access may be tried
  // again.
  bool map_grown_file(std::uint64_t address);
  // What lies behind the end of the file by now raises SIGBUS; what has come into it is mapped, if it is shared.
  void file_resized(const FileMappers& file) override;

  // What belongs to this address space and is not memory (the contexts of io_setup(2)): the first caller's object stays
  // until the end; a fork begins without.
  std::shared_ptr<void> attachment() const { return *attachment_.lock(); }
  std::shared_ptr<void> attach_once(std::shared_ptr<void> object);

  // What execve(2) and prctl(2) PR_SET_MM record: /proc/pid/cmdline, environ, auxv, stat.
  struct Image {
    std::uint64_t code_start = 0, code_end = 0, data_start = 0, data_end = 0, brk_start = 0, stack_start = 0;
    std::uint64_t args_start = 0, args_end = 0, env_start = 0, env_end = 0;
    std::vector<std::uint64_t> auxv;
    FilePtr executable;
    VfsPath executable_path;
  };
  Image image() const;
  // brk_start stays what set_brk_start() made it.
  void set_image(Image image);
  // Where the heap begins: page-aligned end of bss, randomised by the loader. Only while the image is set up.
  void set_brk_start(std::uint64_t address);

  // For the loader, before the first thread exists: mmap() keeps its books, but the host's mappings are made all at
  // once, by make_deferred(). Until then nothing can be copied in or out, and no other call is made. After an error of
  // make_deferred() the address space is good for nothing.
  void defer_mappings();
  Result<void> make_deferred();

  // For the loader: a free range of `length` bytes whose start is a multiple of `alignment`, at `wanted` or, if that is
  // not free, where mmap() would put it.
  Result<std::uint64_t> find_free(std::uint64_t wanted, std::uint64_t length, std::uint64_t alignment) const;

 private:
  struct State {
    VmaMap vmas;
    NativeCalls native;
    std::optional<std::vector<AddressSpace::Mapping>> deferred;  // their descriptors belong to files of `vmas`
    Image image;
    std::uint64_t brk = 0;
    std::uint64_t peak = 0;
    // How much of the initial stack's mapping Linux would not have mapped yet: no limit counts it.
    std::uint64_t stack_slack = 0;
    bool lock_future = false;           // mlockall(2) MCL_FUTURE
    bool lock_future_on_fault = false;  // .. with MCL_ONFAULT
  };
  using StateLock = Guarded<State, LockLevel::kMemory>;
  using Access = StateLock::Access;
  struct RemapPlan;

  MemoryManager(std::unique_ptr<AddressSpace> space, const Platform::Layout& layout, State state,
                std::uint64_t mmap_top, bool randomize);

  // Placement (memory_manager.cc).
  std::vector<AddressRange> unavailable(const State& state) const;
  Result<std::uint64_t> place(const State& state, std::uint64_t hint, std::uint64_t length, int flags) const;
  Result<std::uint64_t> place_top_down(const State& state, std::uint64_t length, std::uint64_t alignment) const;
  Result<void> check_fixed(std::uint64_t address, std::uint64_t length) const;
  bool touches_blocked(AddressRange range) const;
  static Result<void> check_limits(const State& state, const Vma& vma, std::uint64_t replaced,
                                   const CallLimits& limits);
  static Result<void> check_not_sealed(const State& state, AddressRange range);

  // The host's side (host_ranges.cc). Ranges are cut around what is blocked.
  Result<void> map_host(State& state, const Vma& vma, AddressRange range, const FileMapping* mapping, bool populate);
  Result<void> map_segment(State& state, const AddressSpace::Mapping& mapping);
  Result<void> unmap_host(AddressRange range);
  Result<void> move_host(std::uint64_t from, std::uint64_t length, int flags, std::uint64_t to);
  template <typename Operation>
  Result<void> for_each_clear(AddressRange range, Operation operation) const;
  // Waits until no thread has a native call in the range under way. Drops the lock meanwhile.
  void settle(Access& state, AddressRange range);
  // Whether `range` may be left to the host; if so, notes it.
  bool begin_native(State& state, Context* native, AddressRange range) const;

  // mmap.cc
  Result<std::uint64_t> map_checked(const MmapRequest& request, Vma vma, const FileMapping* mapping,
                                    const CallLimits& limits, Context* native, bool& natively);
  Result<void> apply_advice(Access& state, AddressRange range, int advice);
  Result<void> punch_holes(AddressRange range);
  void grow_peak(State& state) const;

  // file_faults.cc
  bool map_grown_part(const Vma& before, AddressRange wanted);
  void cut_at_end(Access& state, const FileMappers& file);
  // For a mapping of a file that was just made: whoever resizes the file tells this address space from here on.
  void note_mapper(Access& state, const Vma& vma);

  // remap.cc
  Result<void> prepare_remap(const State& state, RemapPlan& plan, const CallLimits& limits) const;
  Result<std::uint64_t> execute_remap(State& state, RemapPlan& plan, std::vector<Vma>& garbage);
  Result<void> clear_for_remap(State& state, AddressRange range, std::vector<Vma>& garbage);
  Result<void> extend(State& state, Vma extra, const RemapPlan& plan);
  Result<std::uint64_t> move(State& state, const RemapPlan& plan, std::uint64_t target, std::vector<Vma>& garbage);
  Result<void> move_pages(State& state, const RemapPlan& plan, const Vma& moved);

  // lock.cc
  void populate_locked(AddressRange range);

  const Platform::Layout layout_;
  const std::vector<AddressRange> blocked_;  // the stub, the vdso and its data
  const std::uint64_t mmap_top_;             // where the search for free ranges begins, downwards
  const bool randomize_;
  // Destroyed after space_, since the host maps the files of its VMAs.
  StateLock state_;
  std::unique_ptr<AddressSpace> space_;
  std::condition_variable_any native_done_;
  mutable Guarded<std::shared_ptr<void>, LockLevel::kLeaf> attachment_;
};

template <typename Operation>
Result<void> MemoryManager::for_each_clear(AddressRange range, Operation operation) const {
  for (const AddressRange& hole : blocked_) {
    if (!hole.overlaps(range)) continue;
    const AddressRange before{range.start, hole.start};
    if (!before.empty()) TRY(operation(before));
    range.start = std::min(hole.end, range.end);
  }
  if (!range.empty()) TRY(operation(range));
  return {};
}

}  // namespace runsc
