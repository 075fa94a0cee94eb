// System V shared memory.
#include <sys/mman.h>
#include <sys/shm.h>

#include <algorithm>

#include "boot/kernel/fs_context.h"
#include "boot/kernel/memory_limits.h"
#include "boot/memory/memory_manager.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/sysv_common.h"
#include "boot/vfs/vfs_services.h"

namespace runsc {
namespace {

constexpr int kStatAny = 15;  // SHM_STAT_ANY

ShmFile* shm_file(const Vma& vma) { return dynamic_cast<ShmFile*>(vma.file.get()); }

// Every address space there is, once.
std::vector<std::shared_ptr<MemoryManager>> address_spaces(Kernel& kernel) {
  std::vector<std::shared_ptr<MemoryManager>> spaces;
  {
    auto tree = kernel.tasks().lock();
    for (Task* task : kernel.root_pid_namespace()->tasks(*tree))
      if (auto memory = task->memory()) spaces.push_back(std::move(memory));
  }
  std::sort(spaces.begin(), spaces.end());
  spaces.erase(std::unique(spaces.begin(), spaces.end()), spaces.end());
  return spaces;
}

// How many mappings of a segment there are. Worked out by looking, since asking is rare and forks are not.
SharedMemory::Count attachment_count(Kernel& kernel) {
  return [&kernel](const ShmSegment& segment) {
    std::size_t count = 0;
    for (const auto& memory : address_spaces(kernel))
      for (const Vma& vma : memory->vmas())
        if (const ShmFile* file = shm_file(vma)) count += file->segment().get() == &segment;
    return count;
  };
}

// Where to attach, and the flags of mmap(2) for it.
Result<MmapRequest> placement(std::uint64_t address, int flags) {
  MmapRequest request;
  request.flags = MAP_SHARED;
  if (address == 0) {
    if ((flags & SHM_REMAP) != 0) return Errno(EINVAL);
    return request;
  }
  if (!page_aligned(address)) {
    if ((flags & SHM_RND) == 0) return Errno(EINVAL);
    address = page_floor(address);
  }
  request.address = address;
  request.flags |= (flags & SHM_REMAP) != 0 ? MAP_FIXED : MAP_FIXED_NOREPLACE;
  return request;
}

Result<long> limits(CurrentTask& task, SharedMemory& segments, std::uint64_t argument) {
  shminfo info{};
  info.shmmax = kShmMaxSize;
  info.shmmin = 1;
  info.shmmni = info.shmseg = kShmMaxSegments;
  info.shmall = kShmMaxSize / kPageSize;
  TRY(task.write(UserOut<shminfo>{{argument}}, info));
  return std::max(segments.usage().segments - 1, 0);
}

Result<long> usage(CurrentTask& task, SharedMemory& segments, std::uint64_t argument) {
  const SharedMemory::Usage now = segments.usage();
  shm_info info{};
  info.used_ids = now.segments;
  info.shm_tot = info.shm_rss = now.pages;
  TRY(task.write(UserOut<shm_info>{{argument}}, info));
  return std::max(now.segments - 1, 0);
}

}  // namespace

Result<long> sys_shmget(CurrentTask& task, int key, std::size_t size, int flags) {
  const auto ipc = TRY(ipc_of(task));
  SharedMemory& segments = ipc->shared_memory;
  const auto& make = task.fs().mounts()->services().make_memory_file;
  if (!make) return Errno(ENOSYS);
  return static_cast<long>(TRY(segments.get(*task.credentials(), key, size, flags, caller_pid(task),
                                            [&](std::uint64_t bytes) { return make("SYSV", bytes, false); })));
}

Result<long> sys_shmat(CurrentTask& task, int id, UserAddress address, int flags) {
  const auto ipc = TRY(ipc_of(task));
  SharedMemory& segments = ipc->shared_memory;
  if (id < 0) return Errno(EINVAL);
  MmapRequest request = TRY(placement(address.value, flags));
  const bool writable = (flags & SHM_RDONLY) == 0;
  const auto segment = TRY(segments.find(id, *task.credentials(), writable, attachment_count(task.kernel())));
  request.length = *page_ceil(segment->size);
  request.protection = PROT_READ | (writable ? PROT_WRITE : 0) | ((flags & SHM_EXEC) != 0 ? PROT_EXEC : 0);
  auto file = std::make_shared<ShmFile>(segment, writable);
  request.name = file->anonymous_name();
  request.file = std::move(file);
  const auto mapped = task.memory().mmap(request, memory_limits(task));
  if (!mapped.ok()) return mapped.error() == Errno(EEXIST) ? Errno(EINVAL) : mapped.error();
  segments.note_attached(*segment, caller_pid(task));
  return static_cast<long>(*mapped);
}

Result<long> sys_shmdt(CurrentTask& task, UserAddress address) {
  const auto ipc = TRY(ipc_of(task));
  SharedMemory& segments = ipc->shared_memory;
  ShmSegmentPtr segment;
  // The attachment begins at `address`, or did before its beginning was unmapped; it may be in several pieces.
  std::vector<AddressSpace::Range> pieces;
  for (const Vma& vma : task.memory().vmas()) {
    const ShmFile* file = shm_file(vma);
    if (file == nullptr || vma.start - vma.offset != address.value) continue;
    if (segment == nullptr) segment = file->segment();
    if (file->segment() == segment) pieces.push_back({vma.start, vma.end - vma.start});
  }
  if (segment == nullptr) return Errno(EINVAL);
  for (const AddressSpace::Range& piece : pieces) TRY(task.memory().munmap(piece.address, piece.length));
  segments.note_detached(*segment, caller_pid(task));
  segments.collect(attachment_count(task.kernel()));
  return 0;
}

Result<long> sys_shmctl(CurrentTask& task, int id, int command, UserAddress argument) {
  const auto ipc = TRY(ipc_of(task));
  SharedMemory& segments = ipc->shared_memory;
  const Credentials& credentials = *task.credentials();
  const auto count = attachment_count(task.kernel());
  if (id < 0 || command < 0) return Errno(EINVAL);
  switch (command) {
    case IPC_INFO:
      return limits(task, segments, argument.value);
    case SHM_INFO:
      return usage(task, segments, argument.value);
    case IPC_STAT:
    case SHM_STAT:
    case kStatAny: {
      const auto [found, abi] = TRY(segments.status(id, command != IPC_STAT, command == kStatAny, credentials, count));
      TRY(task.write(UserOut<shmid_ds>{{argument.value}}, abi));
      return command == IPC_STAT ? 0 : found;
    }
    case IPC_SET:
      TRY(segments.change(id, credentials, TRY(task.read(UserIn<shmid_ds>{{argument.value}})).shm_perm));
      return 0;
    case IPC_RMID:
      TRY(segments.remove(id, credentials, count));
      return 0;
    case SHM_LOCK:
    case SHM_UNLOCK:
      // The host decides what is swapped: as with mlock(2), the permission is what can be kept.
      TRY(segments.check_lock(id, credentials));
      return 0;
    default:
      return Errno(EINVAL);
  }
}

}  // namespace runsc
