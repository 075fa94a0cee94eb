#include "boot/kernel/filter_program.h"

#include <linux/audit.h>

#include <cstddef>
#include <random>

#include "boot/kernel/seccomp_filters.h"
#include "gtest/gtest.h"

namespace runsc {
namespace {

using Code = std::vector<sock_filter>;

constexpr sock_filter load(std::size_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, std::uint32_t(offset)); }
constexpr sock_filter ret(std::uint32_t action) { return BPF_STMT(BPF_RET | BPF_K, action); }
constexpr sock_filter if_equal(std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no);
}

FilterProgram program(Code code) { return FilterProgram::check(std::move(code)).value(); }

seccomp_data call(int number, std::uint64_t first = 0) {
  seccomp_data data{};
  data.nr = number;
  data.arch = AUDIT_ARCH_X86_64;
  data.args[0] = first;
  return data;
}

TEST(FilterProgram, AlwaysAllowsOnlyWhatNoArgumentCanChange) {
  const FilterProgram p =
      program({load(offsetof(seccomp_data, nr)), if_equal(7, 2, 0), if_equal(8, 0, 3), ret(SECCOMP_RET_ALLOW),
               load(offsetof(seccomp_data, args)), ret(SECCOMP_RET_ALLOW), ret(SECCOMP_RET_KILL_PROCESS)});
  EXPECT_FALSE(p.always_allows(7)) << "looks at an argument first";
  EXPECT_TRUE(p.always_allows(8));
  EXPECT_FALSE(p.always_allows(9));
  EXPECT_EQ(p.run(call(7)), static_cast<std::uint32_t>(SECCOMP_RET_ALLOW));
}

TEST(FilterProgram, LoadsNeedAStoreOnEveryPath) {
  const Code one_path{load(0), if_equal(1, 1, 0), BPF_STMT(BPF_ST, 0), BPF_STMT(BPF_LD | BPF_MEM, 0), ret(0)};
  EXPECT_FALSE(FilterProgram::check(one_path).ok());
  const Code both{BPF_STMT(BPF_ST, 0), load(0), if_equal(1, 1, 0), ret(0), BPF_STMT(BPF_LD | BPF_MEM, 0), ret(0)};
  EXPECT_TRUE(FilterProgram::check(both).ok());
}

// Whatever passes the check, runs within its bounds and ends.
TEST(FilterProgram, AnythingThatPassesRuns) {
  std::mt19937 random(1);
  int passed = 0;
  for (int round = 0; round < 20000; ++round) {
    Code code(1 + random() % 8);
    for (sock_filter& each : code) {
      const std::uint16_t codes[] = {BPF_LD | BPF_W | BPF_ABS,  BPF_ST,
                                     BPF_LD | BPF_MEM,          BPF_JMP | BPF_JA,
                                     BPF_JMP | BPF_JEQ | BPF_K, BPF_ALU | BPF_DIV | BPF_X,
                                     BPF_RET | BPF_A,           static_cast<std::uint16_t>(random())};
      each = {codes[random() % 8], std::uint8_t(random() % 4), std::uint8_t(random() % 4),
              std::uint32_t(random() % 70)};
    }
    code.back() = ret(SECCOMP_RET_LOG);
    const auto checked = FilterProgram::check(code);
    if (!checked.ok()) continue;
    ++passed;
    (void)checked->run(call(static_cast<int>(random() % 400), random()));
    (void)checked->always_allows(static_cast<std::uint32_t>(random() % 400));
  }
  EXPECT_GT(passed, 100);
}

TEST(SeccompFilters, TheStrictestWinsAndTheNewestOfEquals) {
  const auto errno_of = [](int error) { return SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error); };
  auto filters = SeccompFilters::add(nullptr, {program({ret(errno_of(1))})}).value();
  EXPECT_FALSE(filters->allows_native_calls());
  filters = SeccompFilters::add(filters.get(), {program({ret(errno_of(2))})}).value();
  EXPECT_EQ(filters->evaluate(call(1)), errno_of(2));
  filters = SeccompFilters::add(filters.get(), {program({ret(SECCOMP_RET_ALLOW)})}).value();
  EXPECT_EQ(filters->evaluate(call(1)), errno_of(2));
  filters = SeccompFilters::add(filters.get(), {program({ret(SECCOMP_RET_KILL_PROCESS)})}).value();
  EXPECT_EQ(filters->evaluate(call(1)), SECCOMP_RET_KILL_PROCESS);
}

TEST(SeccompFilters, ExtendOnlyTheirAncestors) {
  const auto first = SeccompFilters::add(nullptr, {program({ret(SECCOMP_RET_ALLOW)})}).value();
  const auto second = SeccompFilters::add(first.get(), {program({ret(SECCOMP_RET_ALLOW)})}).value();
  const auto other = SeccompFilters::add(nullptr, {program({ret(SECCOMP_RET_ALLOW)})}).value();
  EXPECT_TRUE(first->allows_native_calls());
  EXPECT_TRUE(second->extends(first.get()));
  EXPECT_TRUE(second->extends(nullptr));
  EXPECT_FALSE(first->extends(second.get()));
  EXPECT_FALSE(second->extends(other.get()));
  EXPECT_FALSE(second->extends(SeccompFilters::strict().get()));
}

}  // namespace
}  // namespace runsc
