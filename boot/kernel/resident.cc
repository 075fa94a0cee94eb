#include "boot/kernel/resident.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "boot/base/checked.h"

namespace runsc {
namespace {

constexpr std::uint64_t kChunk = 256 << 20;
constexpr std::uint64_t kMostLookedAt = 8ULL << 30;

// What the page cache has of a file is more than this address space maps of it; what the host has counted for the whole
// address space bounds it.
void bound_by_peak(Resident& sum, MemoryManager& memory) {
  sum.peak = sum.total();
  const auto peak = memory.space().peak_resident_kib();
  if (!peak.ok()) return;
  const std::uint64_t bytes = static_cast<std::uint64_t>(*peak) * 1024;
  sum.file -= std::min(sum.file, sum.total() - std::min(sum.total(), bytes));
  sum.peak = std::max(bytes, sum.total());
}

std::set<std::shared_ptr<MemoryManager>> spaces_of(Kernel& kernel, ControlGroup& control_group) {
  std::set<std::shared_ptr<MemoryManager>> spaces;
  auto tree = kernel.tasks().lock();
  for (ThreadGroup* member : control_group.members(*tree))
    for (const TaskPtr& task : member->links(*tree).tasks)
      if (auto memory = task->memory()) spaces.insert(std::move(memory));
  return spaces;
}

}  // namespace

VmaKind kind_of(const Vma& vma) {
  if (!vma.file) return vma.shared ? VmaKind::kSharedMemory : VmaKind::kAnonymous;
  const InodePtr inode = vma.file->inode();
  return inode && inode->file_system().type_name() == "tmpfs" ? VmaKind::kSharedMemory : VmaKind::kFile;
}

std::uint64_t resident_bytes(MemoryManager& memory, const Vma& vma) {
  if (vma.sealed || (vma.protection == PROT_NONE && vma.file)) return 0;
  std::uint64_t pages = 0;
  for (std::uint64_t at = vma.start; at < vma.end; at += kChunk) {
    // An error means that the mapping changed meanwhile.
    const auto chunk = memory.space().resident(at, std::min(kChunk, vma.end - at));
    if (chunk.ok()) pages += static_cast<std::uint64_t>(std::count(chunk->begin(), chunk->end(), 1));
  }
  return pages * kPageSize;
}

Resident resident(MemoryManager& memory) {
  Resident sum;
  std::uint64_t looked_at = 0;
  for (const Vma& vma : memory.vmas()) {
    if (vma.length() > kMostLookedAt - looked_at) continue;
    looked_at += vma.length();
    const std::uint64_t bytes = resident_bytes(memory, vma);
    switch (kind_of(vma)) {
      case VmaKind::kAnonymous:
        sum.anonymous += bytes;
        break;
      case VmaKind::kFile:
        sum.file += bytes;
        break;
      case VmaKind::kSharedMemory:
        sum.shared_memory += bytes;
        break;
    }
  }
  bound_by_peak(sum, memory);
  return sum;
}

Resident resident(Kernel& kernel, ControlGroup& control_group) {
  Resident sum;
  for (const auto& memory : spaces_of(kernel, control_group)) {
    const Resident one = resident(*memory);
    sum.anonymous += one.anonymous;
    sum.file += one.file;
    sum.shared_memory += one.shared_memory;
    sum.peak += one.peak;
  }
  return sum;
}

std::uint64_t anonymous_bytes(Kernel& kernel, ControlGroup& control_group) {
  std::uint64_t sum = 0;
  for (const auto& memory : spaces_of(kernel, control_group)) {
    std::uint64_t looked_at = 0;
    for (const Vma& vma : memory->vmas()) {
      if (kind_of(vma) != VmaKind::kAnonymous || vma.length() > kMostLookedAt - looked_at) continue;
      looked_at += vma.length();
      sum += resident_bytes(*memory, vma);
    }
  }
  return sum;
}

}  // namespace runsc
