#include "boot/loader/elf_mapping.h"

#include <algorithm>

#include "boot/base/checked.h"
#include "boot/memory/placement.h"

namespace runsc {
namespace {

Result<std::uint64_t> choose_bias(const MemoryManager& memory, const ElfFile& elf, ElfPlace place,
                                  std::uint64_t random_offset) {
  const std::uint64_t length = elf.end() - elf.start();
  if (!elf.position_independent) {
    if (elf.start() < memory.layout().mmap_min) return Errno(EPERM);
    if (TRY(memory.find_free(elf.start(), length, kPageSize)) != elf.start()) return Errno(EEXIST);
    return 0;
  }
  // Two thirds of the address space, as ELF_ET_DYN_BASE of Linux.
  const std::uint64_t wanted =
      place == ElfPlace::kProgram ? page_floor(memory.layout().task_size / 3 * 2) + random_offset : 0;
  // The first segment keeps its distance from the alignment, so that the bias is aligned as the segments demand.
  const std::uint64_t skew = elf.start() & (elf.alignment - 1);
  const std::uint64_t address = TRY(memory.find_free(wanted, length + skew, elf.alignment));
  return address + skew - elf.start();
}

Result<void> map_anonymous(MemoryManager& memory, AddressRange range, int protection,
                           const MemoryManager::CallLimits& limits) {
  if (range.empty()) return {};
  MmapRequest request;
  request.address = range.start;
  request.length = range.length();
  request.protection = protection;
  request.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  TRY(memory.mmap(request, limits));
  return {};
}

Result<void> map_file_part(MemoryManager& memory, const ElfSegment& segment, std::uint64_t bias, const FilePtr& file,
                           const MemoryManager::CallLimits& limits) {
  const std::uint64_t skew = segment.address % kPageSize;
  MmapRequest request;
  request.address = segment.address + bias - skew;
  request.length = segment.file_size + skew;
  request.protection = segment.protection;
  request.flags = MAP_PRIVATE | MAP_FIXED;
  request.file = file;
  request.offset = segment.file_offset - skew;
  TRY(memory.mmap(request, limits));
  return {};
}

// The rest of the last page with file contents belongs to the bss.
void note_page_rest(MappedElf& mapped, std::uint64_t address) {
  const AddressRange rest{address, *page_ceil(address)};
  if (!rest.empty()) mapped.to_clear.push_back(rest);
}

Result<void> map_segment(MemoryManager& memory, const ElfSegment& segment, MappedElf& mapped, const FilePtr& file,
                         const MemoryManager::CallLimits& limits) {
  const std::uint64_t bias = mapped.bias;
  std::uint64_t anonymous_start = page_floor(segment.address + bias);
  if (segment.file_size != 0) {
    TRY(map_file_part(memory, segment, bias, file, limits));
    anonymous_start = *page_ceil(segment.file_end() + bias);
    if (segment.memory_size > segment.file_size && (segment.protection & PROT_WRITE) != 0)
      note_page_rest(mapped, segment.file_end() + bias);
  }
  return map_anonymous(memory, {anonymous_start, *page_ceil(segment.memory_end() + bias)}, segment.protection, limits);
}

void note_extent(MappedElf& mapped, const ElfSegment& segment, bool first) {
  const std::uint64_t start = segment.address + mapped.bias;
  const std::uint64_t file_end = segment.file_end() + mapped.bias;
  if (first || start < mapped.code_start) mapped.code_start = start;
  mapped.data_start = std::max(mapped.data_start, start);
  if ((segment.protection & PROT_EXEC) != 0) mapped.code_end = std::max(mapped.code_end, file_end);
  mapped.data_end = std::max(mapped.data_end, file_end);
}

}  // namespace

Result<MappedElf> map_elf(MemoryManager& memory, const ElfFile& elf, const FilePtr& file, ElfPlace place,
                          std::uint64_t random_offset, const MemoryManager::CallLimits& limits) {
  MappedElf mapped;
  mapped.bias = TRY(choose_bias(memory, elf, place, random_offset));
  for (const ElfSegment& segment : elf.segments) {
    TRY(map_segment(memory, segment, mapped, file, limits));
    note_extent(mapped, segment, &segment == &elf.segments.front());
  }
  mapped.entry = elf.entry + mapped.bias;
  if (elf.program_headers != 0) mapped.program_headers = elf.program_headers + mapped.bias;
  mapped.end = elf.end() + mapped.bias;
  return mapped;
}

}  // namespace runsc
