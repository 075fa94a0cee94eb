// MemoryFile: one big sparse host file out of which many small objects (files of tmpfs, shared anonymous memory) take
// their pages. One host descriptor serves them all; the boot process may have 20,000.
#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>

#include "boot/base/checked.h"
#include "boot/base/lock.h"
#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc {

// Offsets and lengths are in bytes and page-aligned. Thread-safe.
//
// Pages of one object must never be seen by another: whoever maps pages into an application keeps them allocated until
// the host mapping is gone.
class MemoryFile {
 public:
  // Over a memfd: memory of the sandbox.
  static Result<std::shared_ptr<MemoryFile>> create();
  // Over an empty regular file of the host that the sandbox may fill; its space is reserved at allocate(), so that a
  // full disk is an error there and not a SIGBUS later.
  static Result<std::shared_ptr<MemoryFile>> over(UniqueFd file);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  struct Extent {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };
  // At least one page and at most `length` bytes, reading as zeros; directly at `hint` when that is free. An extent
  // lies within one chunk. ENOSPC.
  Result<Extent> allocate(std::uint64_t length, std::uint64_t hint);
  // Gives them back, to the host too.
  void free(Extent extent);
  // Makes them read as zeros, and gives the host's pages back.
  void clear(Extent extent);

  // This process's mapping of the byte at `offset`, which is allocated; contiguous to the end of its chunk.
  std::byte* at(std::uint64_t offset) const {
    return (*chunks_)[offset / kChunkSize].load(std::memory_order_acquire) + offset % kChunkSize;
  }
  int fd() const { return file_.get(); }
  std::uint64_t allocated() const { return allocated_.load(std::memory_order_relaxed); }

  static constexpr std::uint64_t kChunkSize = 1ULL << 30;
  static constexpr std::size_t kMaxChunks = 4096;

 private:
  // Where the chunks are mapped. Pages of its own: all but the first is never touched in most sandboxes.
  using ChunkTable = std::atomic<std::byte*>[kMaxChunks];
  struct UnmapTable {
    void operator()(ChunkTable* table) const { ::munmap(table, sizeof(ChunkTable)); }
  };
  using ChunkTablePtr = std::unique_ptr<ChunkTable, UnmapTable>;

  MemoryFile(UniqueFd file, bool reserve, ChunkTablePtr chunks)
      : file_(std::move(file)), reserve_(reserve), chunks_(std::move(chunks)) {}
  // ENOMEM.
  static Result<std::shared_ptr<MemoryFile>> make(UniqueFd file, bool reserve);
  // Free ranges never cross a chunk's end.
  struct State {
    std::map<std::uint64_t, std::uint64_t> free;  // offset -> length
    std::size_t chunk_count = 0;
  };
  Result<void> add_chunk(State& state);
  static Extent take(State& state, std::map<std::uint64_t, std::uint64_t>::iterator range, std::uint64_t offset,
                     std::uint64_t length);
  static void give_back(State& state, Extent extent);
  Result<Extent> allocate_range(std::uint64_t length, std::uint64_t hint);

  UniqueFd file_;
  const bool reserve_;
  std::atomic<std::uint64_t> allocated_{0};
  const ChunkTablePtr chunks_;
  Guarded<State, LockLevel::kFsInternal> state_;
};

}  // namespace runsc
