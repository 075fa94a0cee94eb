#include "boot/memory/forced_copy.h"

#include <algorithm>

#include "boot/base/checked.h"
#include "boot/memory/memory_manager.h"

namespace runsc {
namespace {

// Runs `copy` on the part of the range that lies in one private mapping while that has `needed` protection too.
template <typename Copy>
Result<std::size_t> with_protection(MemoryManager& memory, std::uint64_t address, std::size_t length, int needed,
                                    Copy copy) {
  for (const Vma& vma : memory.vmas()) {
    if (!vma.range().contains(address)) continue;
    if (vma.shared || vma.sealed) return Errno(EIO);
    const std::size_t part = std::min<std::uint64_t>(length, vma.end - address);
    const std::uint64_t start = page_floor(address);
    const std::uint64_t pages = page_floor(address + part + kPageSize - 1) - start;
    const int normal = host_protection(vma.protection);
    TRY(memory.space().protect(start, pages, normal | needed));
    const Result<std::size_t> done = copy(part);
    TRY(memory.space().protect(start, pages, normal));
    return done;
  }
  return Errno(EIO);
}

}  // namespace

Result<std::size_t> forced_write(MemoryManager& memory, std::uint64_t address, std::span<const std::byte> from) {
  const Result<std::size_t> written = memory.space().write(address, from);
  if (written.ok()) return written;
  return with_protection(memory, address, from.size(), PROT_READ | PROT_WRITE,
                         [&](std::size_t part) { return memory.space().write(address, from.first(part)); });
}

Result<std::size_t> forced_read(MemoryManager& memory, std::uint64_t address, std::span<std::byte> to) {
  const Result<std::size_t> read = memory.space().read(address, to);
  if (read.ok()) return read;
  return with_protection(memory, address, to.size(), PROT_READ,
                         [&](std::size_t part) { return memory.space().read(address, to.first(part)); });
}

}  // namespace runsc
