#include "boot/loader/elf_file.h"

#include <gtest/gtest.h>

#include <random>

#include "boot/base/checked.h"
#include "boot/loader/elf_test_files.h"

namespace runsc {
namespace {

constexpr std::uint64_t kTaskSize = 0x7ffffffff000;

Result<ElfFile> parse(const std::string& contents, ElfRole role = ElfRole::kProgram, std::size_t head_size = 2048) {
  MemoryFile file(contents);
  return read_elf(file, std::as_bytes(std::span(contents).first(std::min(head_size, contents.size()))), role,
                  kTaskSize);
}

template <typename Change>
int error_of(Change change) {
  ElfMaker elf;
  change(elf);
  const auto result = parse(elf.make());
  return result.ok() ? 0 : result.error().value();
}

TEST(ElfFile, ReadsHeaders) {
  ElfMaker maker;
  maker.set_interpreter("/lib/ld.so");
  const auto elf = parse(maker.make());
  ASSERT_TRUE(elf.ok());
  EXPECT_FALSE(elf->position_independent);
  EXPECT_EQ("/lib/ld.so", elf->interpreter);
  EXPECT_EQ(2u, elf->segments.size());
  EXPECT_EQ(0x400040u, elf->program_headers);
  EXPECT_EQ(3u, elf->program_header_count);
  EXPECT_EQ(0x400000u, elf->start());
  EXPECT_EQ(0x405000u, elf->end());
  EXPECT_FALSE(elf->executable_stack);
}

TEST(ElfFile, HeadersMayLieBehindTheHead) {
  ElfMaker maker;
  maker.set_interpreter("/lib/ld.so");
  const auto elf = parse(maker.make(), ElfRole::kProgram, 64);
  ASSERT_TRUE(elf.ok());
  EXPECT_EQ("/lib/ld.so", elf->interpreter);
}

TEST(ElfFile, StackFlag) {
  ElfMaker maker;
  Elf64_Phdr stack{};
  stack.p_type = PT_GNU_STACK;
  stack.p_flags = PF_R | PF_W | PF_X;
  maker.program_headers.push_back(stack);
  EXPECT_TRUE(parse(maker.make())->executable_stack);
}

TEST(ElfFile, NotForThisMachine) {
  EXPECT_EQ(ENOEXEC, error_of([](ElfMaker& elf) { elf.header.e_ident[0] = 0; }));
  EXPECT_EQ(ENOEXEC, error_of([](ElfMaker& elf) { elf.header.e_machine = EM_AARCH64; }));
  EXPECT_EQ(ENOEXEC, error_of([](ElfMaker& elf) { elf.header.e_ident[EI_CLASS] = ELFCLASS32; }));
  EXPECT_EQ(ENOEXEC, error_of([](ElfMaker& elf) { elf.header.e_type = ET_REL; }));
  EXPECT_EQ(ENOEXEC, parse("").error().value());
  EXPECT_EQ(ENOEXEC, parse("\x7f"
                           "ELF")
                         .error()
                         .value());
  EXPECT_EQ(ELIBBAD, parse("text", ElfRole::kInterpreter).error().value());
}

TEST(ElfFile, BadProgramHeaders) {
  EXPECT_EQ(ENOEXEC, error_of([](ElfMaker& elf) { elf.header.e_phentsize = 32; }));
  EXPECT_EQ(ENOEXEC, error_of([](ElfMaker& elf) { elf.program_headers.clear(); }));
  EXPECT_EQ(ENOEXEC, error_of([](ElfMaker& elf) { elf.header.e_phoff = ~0ULL - 8; }));
  EXPECT_EQ(ENOEXEC, error_of([](ElfMaker& elf) { elf.header.e_phoff = 0x1ff0; }));
}

TEST(ElfFile, BadSegments) {
  const auto segment = [](std::uint64_t address, std::uint64_t offset, std::uint64_t file_size,
                          std::uint64_t memory_size) {
    return error_of(
        [&](ElfMaker& elf) { elf.program_headers[1] = load_segment(address, offset, file_size, memory_size); });
  };
  EXPECT_EQ(EINVAL, segment(0x401000, 0, 0x2000, 0x1000));
  EXPECT_EQ(EINVAL, segment(kTaskSize, 0, 0x1000, 0x1000));
  EXPECT_EQ(EINVAL, segment(kTaskSize - 0x1000, 0, 0x1000, 0x2000));
  EXPECT_EQ(EINVAL, segment(0x401000, 0, 0, ~0ULL));
  EXPECT_EQ(EINVAL, segment(~0ULL & ~0xfffULL, 0, 0x1000, 0x2000));
  EXPECT_EQ(EINVAL, segment(0x401010, 0, 0x1000, 0x1000));
  EXPECT_EQ(EINVAL, segment(0x401000, ~0ULL & ~0xfffULL, 0x1000, 0x1000));
  EXPECT_EQ(EINVAL, segment(0x401000, 0x7ffffffffffff000, 0x1000, 0x1000));
  EXPECT_EQ(0, segment(0x401000, 0, 0, 0));
}

TEST(ElfFile, BadInterpreterName) {
  const auto interpreter = [](std::uint64_t offset, std::uint64_t size) {
    return error_of([&](ElfMaker& elf) {
      elf.set_interpreter("/lib/ld.so");
      elf.program_headers.back().p_offset = offset;
      elf.program_headers.back().p_filesz = size;
    });
  };
  EXPECT_EQ(0, interpreter(0x800, 11));
  EXPECT_EQ(ENOEXEC, interpreter(0x800, 10));  // no NUL at its end
  EXPECT_EQ(ENOEXEC, interpreter(0x800, 1));
  EXPECT_EQ(ENOEXEC, interpreter(0x800, 5000));
  EXPECT_EQ(EIO, interpreter(0x1ff8, 16));
  EXPECT_EQ(EIO, interpreter(~0ULL - 4, 16));
}

// Any bytes give an error or a description whose sums hold.
TEST(ElfFile, SurvivesMutations) {
  ElfMaker maker;
  maker.set_interpreter("/lib/ld.so");
  const std::string good = maker.make();
  std::mt19937_64 random(1);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string file = good;
    for (int changes = 1 + static_cast<int>(random() % 4); changes > 0; --changes) {
      static constexpr std::uint64_t kInteresting[] = {0, 1, 0xfff, 0x1000, kTaskSize, ~0ULL, 1ULL << 63, 0x7fffffff};
      const std::uint64_t value = random() % 2 ? random() : kInteresting[random() % 8];
      const std::size_t size = 1ULL << random() % 4;
      std::memcpy(file.data() + random() % (0x100 - size), &value, size);
    }
    const auto elf = parse(file, ElfRole::kProgram, random() % 2 ? 2048 : 64);
    if (!elf.ok()) continue;
    ++accepted;
    ASSERT_FALSE(elf->segments.empty());
    ASSERT_LE(elf->start(), elf->end());
    ASSERT_LE(elf->end(), kTaskSize + kPageSize);
    ASSERT_EQ(0u, elf->alignment & (elf->alignment - 1));
    for (const ElfSegment& segment : elf->segments) ASSERT_LE(segment.file_size, segment.memory_size);
  }
  EXPECT_GT(accepted, 100);
}

}  // namespace
}  // namespace runsc
