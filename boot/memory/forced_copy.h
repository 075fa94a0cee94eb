// Copies that a debugger makes: also where the application itself may not read or write (ptrace(2) PTRACE_POKETEXT,
// /proc/<pid>/mem).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "boot/base/result.h"

namespace runsc {

class MemoryManager;

// As AddressSpace::write(), but private mappings are opened for as long as it takes; their other users get no copy of
// what is written. EFAULT, EIO: nothing is mapped there, or shared without the right to write.
Result<std::size_t> forced_write(MemoryManager& memory, std::uint64_t address, std::span<const std::byte> from);
Result<std::size_t> forced_read(MemoryManager& memory, std::uint64_t address, std::span<std::byte> to);

}  // namespace runsc
