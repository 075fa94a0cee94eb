#include "boot/loader/initial_stack.h"

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

namespace runsc {
namespace {

constexpr std::uint64_t kTop = 0x7fff0000;

// Reads the stack as a program's start code does.
class Reader {
 public:
  explicit Reader(const InitialStack& stack) : stack_(stack) {}
  std::uint64_t word(std::uint64_t address) const {
    std::uint64_t value;
    std::memcpy(&value, at(address), sizeof(value));
    return value;
  }
  std::string text(std::uint64_t address) const { return reinterpret_cast<const char*>(at(address)); }

 private:
  const std::byte* at(std::uint64_t address) const { return stack_.bytes.data() + (address - stack_.stack_pointer); }
  const InitialStack& stack_;
};

void check_layout(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  const StackContents contents{arguments, environment, "/bin/prog", {std::byte{42}}, {{AT_PAGESZ, 4096}, {AT_UID, 7}}};
  const InitialStack stack = build_initial_stack(contents, kTop, 100);
  const Reader reader(stack);
  ASSERT_EQ(0u, stack.stack_pointer % 16);
  ASSERT_EQ(kTop, stack.stack_pointer + stack.bytes.size());
  std::uint64_t at = stack.stack_pointer;
  EXPECT_EQ(arguments.size(), reader.word(at));
  for (const std::string& each : arguments) EXPECT_EQ(each, reader.text(reader.word(at += 8)));
  EXPECT_EQ(0u, reader.word(at += 8));
  for (const std::string& each : environment) EXPECT_EQ(each, reader.text(reader.word(at += 8)));
  EXPECT_EQ(0u, reader.word(at += 8));
  std::map<std::uint64_t, std::uint64_t> auxv;
  for (at += 8; reader.word(at) != AT_NULL; at += 16) auxv[reader.word(at)] = reader.word(at + 8);
  EXPECT_EQ(4096u, auxv[AT_PAGESZ]);
  EXPECT_EQ(7u, auxv[AT_UID]);
  EXPECT_EQ("/bin/prog", reader.text(auxv[AT_EXECFN]));
  EXPECT_EQ("x86_64", reader.text(auxv[AT_PLATFORM]));
  EXPECT_EQ(42u, reader.word(auxv[AT_RANDOM]));
  EXPECT_EQ(0u, reader.word(kTop - 8));
}

TEST(InitialStack, Layout) {
  check_layout({}, {});
  check_layout({"a"}, {});
  check_layout({"prog", "", "three"}, {"A=1", "B="});
  check_layout(std::vector<std::string>(1000, "argument"), std::vector<std::string>(501, "X=y"));
}

TEST(InitialStack, StringsLieInARow) {
  const std::vector<std::string> arguments{"ab", "c"}, environment{"D=e"};
  const InitialStack stack = build_initial_stack({arguments, environment, "p", {}, {}}, kTop, 0);
  EXPECT_EQ(5u, stack.args_end - stack.args_start);
  EXPECT_EQ(stack.args_end, stack.env_start);
  EXPECT_EQ(4u, stack.env_end - stack.env_start);
  EXPECT_EQ(0, std::memcmp(stack.bytes.data() + (stack.args_start - stack.stack_pointer), "ab\0c\0D=e\0p", 11));
}

TEST(InitialStack, ArgumentSpace) {
  EXPECT_EQ(2u << 20, argument_space(8 << 20));
  EXPECT_EQ(6u << 20, argument_space(~0ULL));
  EXPECT_EQ(131072u, argument_space(1));
}

TEST(InitialStack, TooLong) {
  const auto check = [](std::size_t count, std::size_t size, std::uint64_t limit) {
    return check_argument_space(std::vector<std::string>(count, std::string(size, 'x')), {}, "p", limit);
  };
  EXPECT_TRUE(check(1, kMaxArgumentString - 1, 8 << 20).ok());
  EXPECT_EQ(E2BIG, check(1, kMaxArgumentString, 8 << 20).error().value());
  EXPECT_TRUE(check(15, 131000, 8 << 20).ok());
  EXPECT_EQ(E2BIG, check(17, 131000, 8 << 20).error().value());
  EXPECT_EQ(E2BIG, check(15, 131000, 1 << 20).error().value());
}

}  // namespace
}  // namespace runsc
