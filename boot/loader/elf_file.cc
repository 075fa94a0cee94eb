#include "boot/loader/elf_file.h"

#include <linux/limits.h>
#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "boot/base/checked.h"
#include "boot/vfs/io.h"

namespace runsc {
namespace {

constexpr std::size_t kMaxHeaderBytes = 65536;

Result<void> check_header(const Elf64_Ehdr& header) {
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) return Errno(ENOEXEC);
  // Linux looks at the machine and the type, not at the class; with another class the rest would be misread.
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64) return Errno(ENOEXEC);
  if (header.e_type != ET_EXEC && header.e_type != ET_DYN) return Errno(ENOEXEC);
  if (header.e_phentsize != sizeof(Elf64_Phdr)) return Errno(ENOEXEC);
  const std::size_t bytes = std::size_t{header.e_phnum} * sizeof(Elf64_Phdr);
  if (bytes == 0 || bytes > kMaxHeaderBytes) return Errno(ENOEXEC);
  return {};
}

Result<std::vector<Elf64_Phdr>> read_program_headers(FileDescription& file, std::span<const std::byte> head,
                                                     const Elf64_Ehdr& header) {
  std::vector<Elf64_Phdr> headers(header.e_phnum);
  const auto bytes = std::as_writable_bytes(std::span(headers));
  const auto end = checked_add<std::uint64_t>(header.e_phoff, bytes.size());
  if (!end) return Errno(ENOEXEC);
  if (*end <= head.size()) {
    std::memcpy(bytes.data(), head.data() + header.e_phoff, bytes.size());
    return headers;
  }
  const auto count = read_file(file, header.e_phoff, bytes);
  if (!count.ok() || *count != bytes.size()) return Errno(ENOEXEC);
  return headers;
}

int segment_protection(std::uint32_t flags) {
  return ((flags & PF_R) != 0 ? PROT_READ : 0) | ((flags & PF_W) != 0 ? PROT_WRITE : 0) |
         ((flags & PF_X) != 0 ? PROT_EXEC : 0);
}

Result<void> add_segment(ElfFile& elf, const Elf64_Phdr& header, std::uint64_t task_size) {
  if (header.p_filesz > header.p_memsz || header.p_memsz > task_size || header.p_vaddr >= task_size ||
      task_size - header.p_memsz < header.p_vaddr)
    return Errno(EINVAL);
  if (header.p_memsz == 0) return {};
  if (header.p_filesz != 0 && header.p_offset % kPageSize != header.p_vaddr % kPageSize) return Errno(EINVAL);
  // The mapping is page-wise: its end in the file must be a number too.
  const auto file_end = checked_add(header.p_offset, header.p_filesz);
  if (!file_end || *file_end > static_cast<std::uint64_t>(INT64_MAX) - kPageSize) return Errno(EINVAL);
  elf.segments.push_back(
      {header.p_vaddr, header.p_offset, header.p_filesz, header.p_memsz, segment_protection(header.p_flags)});
  if (std::has_single_bit(header.p_align)) elf.alignment = std::max(elf.alignment, header.p_align);
  return {};
}

// The headers' address is that of the segment in which they lie.
void find_program_headers(ElfFile& elf, std::uint64_t offset) {
  for (const ElfSegment& segment : elf.segments) {
    if (offset < segment.file_offset || offset - segment.file_offset >= segment.file_size) continue;
    elf.program_headers = segment.address + (offset - segment.file_offset);
    return;
  }
}

Result<std::string> read_interpreter(FileDescription& file, std::span<const std::byte> head, const Elf64_Phdr& header) {
  if (header.p_filesz < 2 || header.p_filesz > PATH_MAX) return Errno(ENOEXEC);
  std::string name(header.p_filesz, '\0');
  const auto bytes = std::as_writable_bytes(std::span(name));
  const auto end = checked_add(header.p_offset, header.p_filesz);
  if (end && *end <= head.size()) {
    std::memcpy(bytes.data(), head.data() + header.p_offset, bytes.size());
  } else if (TRY(read_file(file, header.p_offset, bytes)) != bytes.size()) {
    return Errno(EIO);
  }
  if (name.back() != '\0') return Errno(ENOEXEC);
  return std::string(name.c_str());
}

Result<ElfFile> read_checked(FileDescription& file, std::span<const std::byte> head, ElfRole role,
                             std::uint64_t task_size) {
  Elf64_Ehdr header;
  if (head.size() < sizeof(header)) return Errno(ENOEXEC);
  std::memcpy(&header, head.data(), sizeof(header));
  TRY(check_header(header));
  const auto program_headers = TRY(read_program_headers(file, head, header));
  ElfFile elf;
  elf.position_independent = header.e_type == ET_DYN;
  elf.entry = header.e_entry;
  elf.program_header_count = header.e_phnum;
  for (const Elf64_Phdr& each : program_headers) {
    if (each.p_type == PT_LOAD) TRY(add_segment(elf, each, task_size));
    if (each.p_type == PT_GNU_STACK) elf.executable_stack = (each.p_flags & PF_X) != 0;
    if (each.p_type == PT_INTERP && role == ElfRole::kProgram && elf.interpreter.empty())
      elf.interpreter = TRY(read_interpreter(file, head, each));
  }
  if (elf.segments.empty()) return Errno(EINVAL);
  find_program_headers(elf, header.e_phoff);
  return elf;
}

}  // namespace

std::uint64_t ElfFile::start() const {
  return page_floor(std::ranges::min(segments, {}, &ElfSegment::address).address);
}

std::uint64_t ElfFile::end() const {
  return *page_ceil(std::ranges::max(segments, {}, &ElfSegment::memory_end).memory_end());
}

Result<std::size_t> read_file(FileDescription& file, std::uint64_t offset, std::span<std::byte> to) {
  std::size_t total = 0;
  while (total < to.size()) {
    BufferSink sink(to.subspan(total));
    const std::size_t count = TRY(file.read(sink, offset + total, 0));
    if (count == 0) break;
    total += std::min(count, to.size() - total);
  }
  return total;
}

Result<ElfFile> read_elf(FileDescription& file, std::span<const std::byte> head, ElfRole role,
                         std::uint64_t task_size) {
  auto elf = read_checked(file, head, role, task_size);
  if (!elf.ok() && role == ElfRole::kInterpreter && elf.error() == Errno(ENOEXEC)) return Errno(ELIBBAD);
  return elf;
}

}  // namespace runsc
