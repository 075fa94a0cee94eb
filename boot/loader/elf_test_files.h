// For tests: ELF files made in memory.
#pragma once

#include <elf.h>
#include <sys/mman.h>

#include <cstring>
#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "boot/vfs/file_description.h"

namespace runsc {

// A file whose contents are given; mappings name descriptor 100.
class MemoryFile : public FileDescription {
 public:
  explicit MemoryFile(std::string contents) : FileDescription({}, {O_RDONLY}), contents_(std::move(contents)) {}

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int) override {
    if (*offset >= contents_.size()) return std::size_t{0};
    return sink.put(std::as_bytes(std::span(contents_)).subspan(*offset));
  }
  Result<FileMapping> map(std::uint64_t offset, std::uint64_t length, bool) override {
    return FileMapping{{{100, offset, length}}};
  }
  Result<FileAttributes> attributes() override { return attributes_; }

  std::string contents_;
  FileAttributes attributes_;
};

inline Elf64_Phdr load_segment(std::uint64_t address, std::uint64_t offset, std::uint64_t file_size,
                               std::uint64_t memory_size, std::uint32_t flags = PF_R | PF_W) {
  Elf64_Phdr header{};
  header.p_type = PT_LOAD;
  header.p_flags = flags;
  header.p_vaddr = address;
  header.p_offset = offset;
  header.p_filesz = file_size;
  header.p_memsz = memory_size;
  header.p_align = 4096;
  return header;
}

struct ElfMaker {
  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> program_headers;
  std::string interpreter;  // placed at 0x800

  ElfMaker() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_EXEC;
    header.e_machine = EM_X86_64;
    header.e_phoff = sizeof(header);
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_entry = 0x400100;
    program_headers.push_back(load_segment(0x400000, 0, 0x1000, 0x1000, PF_R | PF_X));
    program_headers.push_back(load_segment(0x401f00, 0xf00, 0x80, 0x3000));
  }
  void set_interpreter(const std::string& path) {
    interpreter = path + '\0';
    Elf64_Phdr each{};
    each.p_type = PT_INTERP;
    each.p_offset = 0x800;
    each.p_filesz = interpreter.size();
    program_headers.push_back(each);
  }
  std::string make() {
    header.e_phnum = static_cast<std::uint16_t>(program_headers.size());
    std::string file(0x2000, '\0');
    std::memcpy(file.data(), &header, sizeof(header));
    std::memcpy(file.data() + sizeof(header), program_headers.data(), program_headers.size() * sizeof(Elf64_Phdr));
    file.replace(0x800, interpreter.size(), interpreter);
    return file;
  }
};

}  // namespace runsc
