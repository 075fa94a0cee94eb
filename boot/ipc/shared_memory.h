// System V shared memory (shmop(2)).
#pragma once

#include <sys/shm.h>

#include <functional>

#include "boot/base/lock.h"
#include "boot/ipc/ipc_object.h"
#include "boot/vfs/file_description.h"

namespace runsc {

inline constexpr std::size_t kShmMaxSegments = 4096;  // SHMMNI
inline constexpr std::uint64_t kShmMaxSize = 1ULL << 40;

// One segment. Guarded by the lock of its table, but for what never changes.
struct ShmSegment {
  IpcPermissions permissions;
  std::uint64_t size = 0;  // as asked for; the memory is whole pages
  FilePtr memory;          // readable and writable
  std::int64_t attached_at = 0, detached_at = 0, changed_at = 0;
  int creator = 0, last = 0;  // pids as their own namespaces number them
  bool removed = false;       // IPC_RMID: goes with the last attachment
};
using ShmSegmentPtr = std::shared_ptr<ShmSegment>;

// What is mapped: the memory of a segment. Its mappings are the attachments.
class ShmFile : public FileDescription {
 public:
  // `writable`: not SHM_RDONLY.
  ShmFile(ShmSegmentPtr segment, bool writable)
      : FileDescription(VfsPath{}, OpenFlags{writable ? O_RDWR : O_RDONLY}), segment_(std::move(segment)) {}

  const ShmSegmentPtr& segment() const { return segment_; }
  std::string anonymous_name() const override;
  Result<FileAttributes> attributes() override { return segment_->memory->attributes(); }
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool shared_writable) override {
    return segment_->memory->map(offset, length, shared_writable);
  }

 private:
  const ShmSegmentPtr segment_;
};

// Thread-safe. `count` functions say how many mappings of a segment there are; they are called without the lock.
class SharedMemory {
 public:
  using MakeMemory = std::function<Result<FilePtr>(std::uint64_t size)>;
  using Count = std::function<std::size_t(const ShmSegment&)>;

  // shmget(2).
  Result<int> get(const Credentials& credentials, key_t key, std::uint64_t size, int flags, int pid,
                  const MakeMemory& make);
  // For shmat(2). EINVAL, EACCES.
  Result<ShmSegmentPtr> find(int id, const Credentials& credentials, bool writable, const Count& count);
  void note_attached(ShmSegment& segment, int pid);
  void note_detached(ShmSegment& segment, int pid);

  // shmctl(2), by command. `index`: the id is a position (SHM_STAT).
  Result<void> remove(int id, const Credentials& credentials, const Count& count);
  Result<void> change(int id, const Credentials& credentials, const ipc_perm& wanted);
  Result<void> check_lock(int id, const Credentials& credentials) const;  // SHM_LOCK, SHM_UNLOCK
  Result<std::pair<int, shmid_ds>> status(int id, bool index, bool any, const Credentials& credentials,
                                          const Count& count);
  struct Usage {
    int segments = 0;
    std::uint64_t pages = 0;
  };
  Usage usage() const;
  // Drops removed segments that nobody has attached any more.
  void collect(const Count& count);

 private:
  Guarded<IpcTable<ShmSegment>, LockLevel::kIpc> state_;
};

}  // namespace runsc
