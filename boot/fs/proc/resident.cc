#include "boot/fs/proc/resident.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "boot/base/checked.h"

namespace runsc {
namespace {

constexpr std::uint64_t kChunk = 256 << 20;
constexpr std::uint64_t kMostLookedAt = 8ULL << 30;

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
  return sum;
}

Resident resident(Kernel& kernel, ControlGroup& control_group) {
  std::set<std::shared_ptr<MemoryManager>> spaces;
  {
    auto tree = kernel.tasks().lock();
    for (ThreadGroup* member : control_group.members(*tree))
      for (const TaskPtr& task : member->links(*tree).tasks)
        if (auto memory = task->memory()) spaces.insert(std::move(memory));
  }
  Resident sum;
  for (const auto& memory : spaces) {
    const Resident one = resident(*memory);
    sum.anonymous += one.anonymous;
    sum.file += one.file;
    sum.shared_memory += one.shared_memory;
  }
  return sum;
}

}  // namespace runsc
