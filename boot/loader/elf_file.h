// ELF executables as x86-64 Linux accepts them: headers read and checked, nothing mapped yet.
#pragma once

#include <elf.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "boot/base/result.h"
#include "boot/vfs/file_description.h"

namespace runsc {

struct ElfSegment {
  std::uint64_t address = 0;      // p_vaddr
  std::uint64_t file_offset = 0;  // p_offset; congruent to `address` modulo the page size if file_size > 0
  std::uint64_t file_size = 0;    // at most memory_size
  std::uint64_t memory_size = 0;
  int protection = 0;  // PROT_*

  std::uint64_t file_end() const { return address + file_size; }
  std::uint64_t memory_end() const { return address + memory_size; }
};

struct ElfFile {
  bool position_independent = false;  // ET_DYN
  std::uint64_t entry = 0;
  std::uint64_t program_headers = 0;  // where they lie in memory, before relocation; 0: in no segment
  std::uint16_t program_header_count = 0;
  std::vector<ElfSegment> segments;  // PT_LOAD with memory_size > 0, in the file's order; their sums do not overflow
  std::uint64_t alignment = 4096;    // the largest p_align of a segment, a power of two
  std::string interpreter;           // PT_INTERP; empty: none
  bool executable_stack = false;

  // What the segments span, in whole pages. Precondition: there are segments.
  std::uint64_t start() const;
  std::uint64_t end() const;
};

enum class ElfRole { kProgram, kInterpreter };

// `head`: the beginning of the file, as much as the caller has read of it. ENOEXEC (ELIBBAD for an interpreter): not an
// ELF file for this machine, or headers out of bounds; EINVAL: segments outside [0, task_size) or larger in the file
// than in memory; EIO: the interpreter's name could not be read.
Result<ElfFile> read_elf(FileDescription& file, std::span<const std::byte> head, ElfRole role, std::uint64_t task_size);

// Reads at `offset` until `to` is full or the file ends; returns how much.
Result<std::size_t> read_file(FileDescription& file, std::uint64_t offset, std::span<std::byte> to);

}  // namespace runsc
