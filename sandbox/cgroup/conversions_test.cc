#include "sandbox/cgroup/conversions.h"

#include <gtest/gtest.h>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

TEST(Conversions, CpuShares) {
  EXPECT_EQ(cpu_weight_from_shares(0), 0u);
  EXPECT_EQ(cpu_weight_from_shares(1), 1u);
  EXPECT_EQ(cpu_weight_from_shares(2), 1u);
  EXPECT_EQ(cpu_weight_from_shares(1024), 39u);
  EXPECT_EQ(cpu_weight_from_shares(262144), 10000u);
  EXPECT_EQ(cpu_weight_from_shares(999999999), 10000u);
}

TEST(Conversions, BlkioWeight) {
  EXPECT_EQ(io_weight_from_blkio(0), 0u);
  EXPECT_EQ(io_weight_from_blkio(10), 1u);
  EXPECT_EQ(io_weight_from_blkio(500), 4950u);
  EXPECT_EQ(io_weight_from_blkio(1000), 10000u);
}

TEST(Conversions, Swap) {
  EXPECT_EQ(swap_max_from_memsw({}, {}), std::nullopt);
  EXPECT_EQ(swap_max_from_memsw({}, 1 << 20), std::nullopt);
  EXPECT_EQ(swap_max_from_memsw({}, -1), -1);
  EXPECT_EQ(swap_max_from_memsw(-1, 1 << 20), -1);
  EXPECT_EQ(swap_max_from_memsw(3 << 20, 1 << 20), 2 << 20);
  EXPECT_EQ(swap_max_from_memsw(1 << 20, 1 << 20), 0);
  EXPECT_THROW(swap_max_from_memsw(1 << 20, {}), UserError);
  EXPECT_THROW(swap_max_from_memsw(1 << 20, -1), UserError);
  EXPECT_THROW(swap_max_from_memsw(1 << 20, 2 << 20), UserError);
}

TEST(Conversions, HostProcessesAndBack) {
  EXPECT_EQ(host_pids_limit(-1), -1);
  EXPECT_EQ(host_pids_limit(0), -1);
  for (const std::int64_t tasks : {1, 2, 20, 100, 4096, 32768}) {
    EXPECT_GE(host_pids_limit(tasks), 3 * tasks + 16) << "agent, thread and its task thread for each, and the sandbox";
    EXPECT_EQ(tasks_of_host_pids(static_cast<std::uint64_t>(host_pids_limit(tasks))),
              static_cast<std::uint64_t>(tasks));
  }
  EXPECT_EQ(host_pids_limit(std::int64_t{1} << 62), -1) << "more than Linux can number";
  EXPECT_EQ(tasks_of_host_pids(~std::uint64_t{0}), 0u);
}

TEST(Conversions, ListsAsBits) {
  using Bytes = std::vector<unsigned>;
  EXPECT_EQ(bytes_of_list("0"), (Bytes{1}));
  EXPECT_EQ(bytes_of_list("0,2-3"), (Bytes{0x0d}));
  EXPECT_EQ(bytes_of_list("7-8,17"), (Bytes{0x80, 0x01, 0x02}));
  for (const char* odd : {"", "a", "1-", "-1", "3-2", "1,,2", "1 2", "0-4000000000", "99999"}) {
    EXPECT_EQ(bytes_of_list(odd), Bytes{}) << odd;
  }
}

}  // namespace
}  // namespace runsc
