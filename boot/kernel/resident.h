// How much of an address space is in memory (VmRSS and its relatives).
#pragma once

#include <cstdint>

#include "boot/kernel/control_group.h"
#include "boot/kernel/kernel.h"
#include "boot/memory/memory_manager.h"

namespace runsc {

struct Resident {
  std::uint64_t anonymous = 0, file = 0, shared_memory = 0;  // bytes
  std::uint64_t peak = 0;                                    // the most that all of it has been so far
  std::uint64_t total() const { return anonymous + file + shared_memory; }
};

// Bytes of one VMA that are in memory, as mincore(2) of the host tells: for file mappings that is what the page cache
// has, whether this process touched it or not: resident() bounds the sum.
std::uint64_t resident_bytes(MemoryManager& memory, const Vma& vma);

// Looks at no more than some gigabytes, so that a huge mapping does not hold up the reader.
Resident resident(MemoryManager& memory);

// Of all address spaces of a container: slow.
Resident resident(Kernel& kernel, ControlGroup& control_group);
// Private memory of all address spaces of a container: slow.
std::uint64_t anonymous_bytes(Kernel& kernel, ControlGroup& control_group);

enum class VmaKind { kAnonymous, kFile, kSharedMemory };
VmaKind kind_of(const Vma& vma);

}  // namespace runsc
