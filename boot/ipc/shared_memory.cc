#include "boot/ipc/shared_memory.h"

#include <cstdio>
#include <vector>

#include "boot/base/checked.h"

namespace runsc {
namespace {

constexpr std::uint32_t kRemovedMode = 01000;  // SHM_DEST in shm_perm.mode

}  // namespace

std::string ShmFile::anonymous_name() const {
  char name[32];
  std::snprintf(name, sizeof name, "/SYSV%08x (deleted)", static_cast<unsigned>(segment_->permissions.key));
  return name;
}

void SharedMemory::collect(const Count& count) {
  std::vector<std::pair<int, ShmSegmentPtr>> removed;
  {
    auto table = state_.lock();
    for (const auto& entry : table->all())
      if (entry.second->removed) removed.push_back(entry);
  }
  for (const auto& [id, segment] : removed) {
    if (count(*segment) != 0) continue;
    auto table = state_.lock();
    table->remove(id);
  }
}

Result<int> SharedMemory::get(const Credentials& credentials, key_t key, std::uint64_t size, int flags, int pid,
                              const MakeMemory& make) {
  if ((flags & SHM_HUGETLB) != 0) return Errno(EINVAL);  // no huge pages are reserved
  // Made before the lock is taken, because file systems have locks of their own; thrown away if it is not needed.
  FilePtr memory;
  const bool valid = size != 0 && size <= kShmMaxSize;
  if (valid && (key == IPC_PRIVATE || (flags & IPC_CREAT) != 0)) memory = TRY(make(*page_ceil(size)));
  auto table = state_.lock();
  const auto fits = [&](const ShmSegment& segment) -> Result<void> {
    if (size > segment.size) return Errno(EINVAL);
    return {};
  };
  return get_or_make(*table, credentials, key, flags, kShmMaxSegments, fits, [&]() -> Result<ShmSegmentPtr> {
    if (!valid) return Errno(EINVAL);
    auto segment = std::make_shared<ShmSegment>();
    segment->size = size;
    segment->memory = std::move(memory);
    segment->creator = pid;
    segment->changed_at = ipc_time();
    return segment;
  });
}

Result<ShmSegmentPtr> SharedMemory::find(int id, const Credentials& credentials, bool writable, const Count& count) {
  collect(count);
  auto table = state_.lock();
  ShmSegmentPtr segment = TRY(table->get(id));
  TRY(segment->permissions.check(credentials, writable ? kIpcRead | kIpcWrite : kIpcRead));
  return segment;
}

void SharedMemory::note_attached(ShmSegment& segment, int pid) {
  auto table = state_.lock();
  segment.attached_at = ipc_time();
  segment.last = pid;
}

void SharedMemory::note_detached(ShmSegment& segment, int pid) {
  auto table = state_.lock();
  segment.detached_at = ipc_time();
  segment.last = pid;
}

Result<void> SharedMemory::remove(int id, const Credentials& credentials, const Count& count) {
  {
    auto table = state_.lock();
    const ShmSegmentPtr segment = TRY(table->get(id));
    TRY(segment->permissions.check_owner(credentials));
    segment->removed = true;
    segment->permissions.key = IPC_PRIVATE;  // nobody finds it by its key any more
  }
  collect(count);
  return {};
}

Result<void> SharedMemory::change(int id, const Credentials& credentials, const ipc_perm& wanted) {
  auto table = state_.lock();
  const ShmSegmentPtr segment = TRY(table->get(id));
  TRY(segment->permissions.check_owner(credentials));
  segment->permissions.set(wanted);
  segment->changed_at = ipc_time();
  return {};
}

Result<void> SharedMemory::check_lock(int id, const Credentials& credentials) const {
  auto table = state_.lock();
  const ShmSegmentPtr segment = TRY(table->get(id));
  if (credentials.has(CAP_IPC_LOCK)) return {};
  return segment->permissions.check_owner(credentials);
}

Result<std::pair<int, shmid_ds>> SharedMemory::status(int id, bool index, bool any, const Credentials& credentials,
                                                      const Count& count) {
  collect(count);
  ShmSegmentPtr segment;
  shmid_ds abi{};
  {
    auto table = state_.lock();
    if (index) id = TRY(table->at(id)).first;
    segment = TRY(table->get(id));
    if (!any) TRY(segment->permissions.check(credentials, kIpcRead));
    abi.shm_perm = segment->permissions.to_abi(id);
    if (segment->removed) abi.shm_perm.mode |= kRemovedMode;
    abi.shm_segsz = segment->size;
    abi.shm_atime = segment->attached_at;
    abi.shm_dtime = segment->detached_at;
    abi.shm_ctime = segment->changed_at;
    abi.shm_cpid = segment->creator;
    abi.shm_lpid = segment->last;
  }
  abi.shm_nattch = count(*segment);
  return std::pair(id, abi);
}

SharedMemory::Usage SharedMemory::usage() const {
  auto table = state_.lock();
  Usage usage;
  for (const auto& [id, segment] : table->all()) {
    ++usage.segments;
    usage.pages += *page_ceil(segment->size) / kPageSize;
  }
  return usage;
}

}  // namespace runsc
