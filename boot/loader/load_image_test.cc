#include "boot/loader/load_image.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "boot/base/checked.h"
#include "boot/loader/elf_test_files.h"
#include "boot/memory/fake_platform.h"

namespace runsc {
namespace {

class FakeOpener : public ExecutableOpener {
 public:
  Result<FilePtr> open_executable(std::string_view path) override {
    const auto it = files.find(std::string(path));
    if (it == files.end()) return Errno(ENOENT);
    return FilePtr(std::make_shared<MemoryFile>(it->second));
  }
  std::map<std::string, std::string> files;
};

class LoadImageTest : public testing::Test {
 protected:
  LoadImageTest() {
    ElfMaker interpreter;
    interpreter.header.e_type = ET_DYN;
    interpreter.header.e_entry = 0x100;
    interpreter.program_headers = {load_segment(0, 0, 0x1000, 0x1000, PF_R | PF_X)};
    opener_.files["/lib/ld.so"] = interpreter.make();
    opener_.files["/bin/static"] = ElfMaker().make();
    ElfMaker dynamic;
    dynamic.header.e_type = ET_DYN;
    dynamic.program_headers = {load_segment(0, 0, 0x1000, 0x1000, PF_R | PF_X),
                               load_segment(0x1f00, 0xf00, 0x80, 0x3000)};
    dynamic.set_interpreter("/lib/ld.so");
    opener_.files["/bin/dynamic"] = dynamic.make();
  }

  Result<LoadedImage> load(const std::string& path, std::vector<std::string> arguments = {"prog", "one"}) {
    const FilePtr file = TRY(opener_.open_executable(path));
    LoadRequest request{platform_,          opener_, file, path, false, std::move(arguments), {"A=b"},
                        root_credentials(), 8 << 20, {},   true};
    return load_image(request);
  }
  int error_of(const std::string& path) {
    const auto image = load(path);
    return image.ok() ? 0 : image.error().value();
  }
  static std::string read_string(AddressSpace& space, std::uint64_t address) {
    std::string text;
    for (std::byte byte{}; space.read(address++, std::span(&byte, 1)).ok() && byte != std::byte{};)
      text.push_back(static_cast<char>(byte));
    return text;
  }
  static std::vector<std::string> arguments(const LoadedImage& image) {
    std::uint64_t count = 0;
    AddressSpace& space = image.memory->space();
    const std::uint64_t stack = image.state.registers.rsp;
    (void)space.read(stack, std::as_writable_bytes(std::span(&count, 1)));
    std::vector<std::string> result;
    for (std::uint64_t i = 1; i <= count; ++i) {
      std::uint64_t pointer = 0;
      (void)space.read(stack + 8 * i, std::as_writable_bytes(std::span(&pointer, 1)));
      result.push_back(read_string(space, pointer));
    }
    return result;
  }

  FakePlatform platform_;
  FakeOpener opener_;
};

using Strings = std::vector<std::string>;

TEST_F(LoadImageTest, StaticProgram) {
  const auto image = load("/bin/static");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ("static", image->name);
  EXPECT_EQ(0x400100u, image->state.registers.rip);
  EXPECT_EQ((Strings{"prog", "one"}), arguments(*image));
  std::vector<std::string> names;
  for (const Vma& vma : image->memory->vmas()) names.push_back(vma.name);
  EXPECT_EQ((Strings{"", "", "", "[vvar]", "[vdso]", "[stack]"}),
            (std::ranges::sort(names,
                               [](auto& a, auto& b) {
                                 const Strings order{"", "[vvar]", "[vdso]", "[stack]"};
                                 return std::ranges::find(order, a) < std::ranges::find(order, b);
                               }),
             names));
  const auto brk = image->memory->brk(0, {});
  EXPECT_GE(brk, 0x405000u);
  EXPECT_LT(brk, 0x405000u + 0x2000000);
}

// Exec is frequent, and a round trip to the host's side costs more than all the rest.
TEST_F(LoadImageTest, NumberOfMappingCalls) {
  const auto image = load("/bin/static");
  EXPECT_EQ(1, static_cast<FakeAddressSpace&>(image->memory->space()).calls);
}

TEST_F(LoadImageTest, DynamicProgram) {
  const auto image = load("/bin/dynamic");
  ASSERT_TRUE(image.ok());
  const std::uint64_t entry = image->state.registers.rip;
  EXPECT_EQ(0x100u, entry % kPageSize);
  EXPECT_GT(entry, 0x700000000000u);  // of the interpreter, among the mappings
  const auto auxv = image->memory->image().auxv;
  std::map<std::uint64_t, std::uint64_t> entries;
  for (std::size_t i = 0; i + 1 < auxv.size(); i += 2) entries[auxv[i]] = auxv[i + 1];
  EXPECT_EQ(entry - 0x100, entries[AT_BASE]);
  EXPECT_EQ(64u, entries[AT_PHDR] % kPageSize);
  EXPECT_EQ(3u, entries[AT_PHNUM]);
  EXPECT_EQ(platform_.layout().vdso, entries[AT_SYSINFO_EHDR]);
  EXPECT_EQ(0u, entries[AT_SECURE]);
}

TEST_F(LoadImageTest, NoArgumentsMeansOneEmptyOne) { EXPECT_EQ(Strings{""}, arguments(*load("/bin/static", {}))); }

TEST_F(LoadImageTest, Scripts) {
  opener_.files["/bin/script"] = "#!/bin/static -x y\n";
  const auto image = load("/bin/script");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ("script", image->name);
  EXPECT_EQ((Strings{"/bin/static", "-x y", "/bin/script", "one"}), arguments(*image));
  opener_.files["/bin/second"] = "#!/bin/script\n";
  EXPECT_EQ((Strings{"/bin/static", "-x y", "/bin/script", "/bin/second", "one"}), arguments(*load("/bin/second")));
}

TEST_F(LoadImageTest, ScriptErrors) {
  opener_.files["/s"] = "#!/missing\n";
  EXPECT_EQ(ENOENT, error_of("/s"));
  opener_.files["/s0"] = "#!/bin/static\n";
  for (int i = 1; i < 8; ++i) opener_.files["/s" + std::to_string(i)] = "#!/s" + std::to_string(i - 1) + "\n";
  EXPECT_EQ(0, error_of("/s4"));
  EXPECT_EQ(ELOOP, error_of("/s5"));
}

TEST_F(LoadImageTest, BadFiles) {
  opener_.files["/empty"] = "";
  EXPECT_EQ(ENOEXEC, error_of("/empty"));
  opener_.files["/text"] = "echo hello\n";
  EXPECT_EQ(ENOEXEC, error_of("/text"));
  ElfMaker low;
  low.program_headers = {load_segment(0, 0, 0x1000, 0x1000)};
  opener_.files["/low"] = low.make();
  EXPECT_EQ(EPERM, error_of("/low"));
  ElfMaker stub;
  stub.program_headers = {load_segment(platform_.layout().reserved_start, 0, 0x1000, 0x1000)};
  opener_.files["/stub"] = stub.make();
  EXPECT_EQ(EEXIST, error_of("/stub"));
  ElfMaker huge;
  huge.header.e_type = ET_DYN;
  huge.program_headers = {load_segment(0x1000, 0, 0, platform_.layout().task_size - 0x1000)};
  opener_.files["/huge"] = huge.make();
  EXPECT_EQ(ENOMEM, error_of("/huge"));
  ElfMaker aligned;
  aligned.header.e_type = ET_DYN;
  aligned.program_headers[0].p_align = 1ULL << 63;
  opener_.files["/aligned"] = aligned.make();
  EXPECT_EQ(ENOMEM, error_of("/aligned"));
  ElfMaker bad_interpreter;
  bad_interpreter.set_interpreter("/text");
  opener_.files["/bad"] = bad_interpreter.make();
  EXPECT_EQ(ELIBBAD, error_of("/bad"));
}

TEST_F(LoadImageTest, LargeAlignment) {
  ElfMaker maker;
  maker.header.e_type = ET_DYN;
  maker.program_headers = {load_segment(0x1000, 0x1000, 0x800, 0x800)};
  maker.program_headers[0].p_align = 1 << 21;
  opener_.files["/aligned"] = maker.make();
  const auto image = load("/aligned");
  ASSERT_TRUE(image.ok());
  EXPECT_EQ(0x1000u, image->memory->vmas().front().start % (1 << 21));
}

TEST_F(LoadImageTest, SurvivesMutations) {
  const std::string good = opener_.files["/bin/dynamic"];
  std::mt19937_64 random(1);
  int loaded = 0;
  for (int i = 0; i < 1000; ++i) {
    std::string file = good;
    for (int changes = 1 + static_cast<int>(random() % 3); changes > 0; --changes) {
      // Small numbers: huge segments cost the fake address space a record per page.
      const std::uint64_t value = random() % 8 == 0 ? ~0ULL : random() % 0x20000;
      std::memcpy(file.data() + random() % 0x100, &value, 1 + random() % 4);
    }
    opener_.files["/mutant"] = file;
    loaded += load("/mutant").ok();
  }
  EXPECT_GT(loaded, 10);
}

}  // namespace
}  // namespace runsc
