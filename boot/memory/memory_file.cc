#include "boot/memory/memory_file.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "boot/base/host_call.h"

namespace runsc {

Result<std::shared_ptr<MemoryFile>> MemoryFile::create() {
  UniqueFd file = TRY(own_fd(TRY(HOST_CALL(::memfd_create("runsc-memory", MFD_CLOEXEC)))));
  return make(std::move(file), false);
}

Result<std::shared_ptr<MemoryFile>> MemoryFile::over(UniqueFd file) { return make(std::move(file), true); }

Result<std::shared_ptr<MemoryFile>> MemoryFile::make(UniqueFd file, bool reserve) {
  void* const table = ::mmap(nullptr, sizeof(ChunkTable), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (table == MAP_FAILED) return Errno(ENOMEM);
  ChunkTablePtr chunks(static_cast<ChunkTable*>(table));  // zeros: null pointers
  return std::shared_ptr<MemoryFile>(new MemoryFile(std::move(file), reserve, std::move(chunks)));
}

MemoryFile::~MemoryFile() {
  for (std::size_t i = 0; i < state_.lock()->chunk_count; ++i) ::munmap((*chunks_)[i].load(), kChunkSize);
}

Result<void> MemoryFile::add_chunk(State& state) {
  if (state.chunk_count == kMaxChunks) return Errno(ENOSPC);
  const std::uint64_t start = state.chunk_count * kChunkSize;
  TRY(HOST_CALL(::ftruncate(file_.get(), static_cast<off_t>(start + kChunkSize))));
  void* const mapping = ::mmap(nullptr, kChunkSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_.get(),
                               static_cast<off_t>(start));
  if (mapping == MAP_FAILED) return Errno(ENOSPC);
  (*chunks_)[state.chunk_count].store(static_cast<std::byte*>(mapping), std::memory_order_release);
  ++state.chunk_count;
  state.free.emplace(start, kChunkSize);
  return {};
}

MemoryFile::Extent MemoryFile::take(State& state, std::map<std::uint64_t, std::uint64_t>::iterator range,
                                    std::uint64_t offset, std::uint64_t length) {
  const auto [start, size] = *range;
  length = std::min(length, start + size - offset);
  state.free.erase(range);
  if (offset > start) state.free.emplace(start, offset - start);
  if (offset + length < start + size) state.free.emplace(offset + length, start + size - offset - length);
  return {offset, length};
}

Result<MemoryFile::Extent> MemoryFile::allocate_range(std::uint64_t length, std::uint64_t hint) {
  auto state = state_.lock();
  if (auto next = state->free.upper_bound(hint); next != state->free.begin()) {
    const auto range = std::prev(next);
    if (hint < range->first + range->second) return take(*state, range, hint, length);
  }
  // The first range that is long enough among the first few; else the longest of those.
  constexpr int kLook = 16;
  auto best = state->free.begin();
  int looked = 0;
  for (auto it = state->free.begin(); it != state->free.end() && looked < kLook; ++it, ++looked) {
    if (it->second > best->second) best = it;
    if (best->second >= length) break;
  }
  // Ranges behind the ones looked at are untouched ends of chunks.
  if (best == state->free.end() || (best->second < length && state->free.rbegin()->second > best->second))
    best = state->free.empty() ? state->free.end() : std::prev(state->free.end());
  if (best == state->free.end() || (best->second < length && state->chunk_count < kMaxChunks)) {
    if (add_chunk(*state).ok()) best = std::prev(state->free.end());
  }
  if (best == state->free.end()) return Errno(ENOSPC);
  return take(*state, best, best->first, length);
}

Result<MemoryFile::Extent> MemoryFile::allocate(std::uint64_t length, std::uint64_t hint) {
  const Extent extent = TRY(allocate_range(length, hint));
  if (reserve_ && ::fallocate(file_.get(), 0, extent.offset, extent.length) != 0) {
    give_back(*state_.lock(), extent);
    return Errno(ENOSPC);
  }
  allocated_.fetch_add(extent.length, std::memory_order_relaxed);
  return extent;
}

void MemoryFile::give_back(State& state, Extent extent) {
  auto next = state.free.lower_bound(extent.offset);
  if (next != state.free.end() && next->first == extent.offset + extent.length && next->first % kChunkSize != 0) {
    extent.length += next->second;
    next = state.free.erase(next);
  }
  if (next != state.free.begin() && extent.offset % kChunkSize != 0) {
    const auto before = std::prev(next);
    if (before->first + before->second == extent.offset) {
      before->second += extent.length;
      return;
    }
  }
  state.free.emplace(extent.offset, extent.length);
}

void MemoryFile::free(Extent extent) {
  clear(extent);
  allocated_.fetch_sub(extent.length, std::memory_order_relaxed);
  give_back(*state_.lock(), extent);
}

void MemoryFile::clear(Extent extent) {
  constexpr int kPunch = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
  if (HOST_CALL(::fallocate(file_.get(), kPunch, extent.offset, extent.length)).ok()) return;
  // A file system without holes: the bytes must not survive all the same.
  std::fill_n(at(extent.offset), extent.length, std::byte{0});
}

}  // namespace runsc
