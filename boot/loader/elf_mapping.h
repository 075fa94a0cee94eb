// Maps an ELF file into a new address space.
#pragma once

#include <cstdint>
#include <vector>

#include "boot/loader/elf_file.h"
#include "boot/memory/memory_manager.h"

namespace runsc {

// Where it lies.
struct MappedElf {
  std::uint64_t bias = 0;  // added to every address of the file
  std::uint64_t entry = 0;
  std::uint64_t program_headers = 0;                                         // 0: not in memory
  std::uint64_t code_start = 0, code_end = 0, data_start = 0, data_end = 0;  // as proc(5) means them
  std::uint64_t end = 0;                                                     // page-aligned end of everything
  // What lies behind the contents of the file in their last pages: it belongs to the bss, and is to be filled with
  // zeroes once it is mapped.
  std::vector<AddressRange> to_clear;
};

enum class ElfPlace {
  kProgram,      // position-independent programs: apart from everything else, so that the heap has room behind them
  kMappingArea,  // interpreters, and programs that are their own interpreter: where mmap() puts things
};

// `memory` defers its mappings and holds nothing yet but the vdso and what was mapped by this function.
// `random_offset`: added to the place of a position-independent program. ENOMEM, EEXIST, EPERM: the addresses that a
// fixed program demands are not available.
Result<MappedElf> map_elf(MemoryManager& memory, const ElfFile& elf, const FilePtr& file, ElfPlace place,
                          std::uint64_t random_offset, const MemoryManager::CallLimits& limits);

}  // namespace runsc
