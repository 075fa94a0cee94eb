#include "sandbox/cgroup/unit_properties.h"

#include <gtest/gtest.h>

namespace runsc {
namespace {

TEST(UnitProperties, OfVersion2) {
  oci::Resources resources;
  resources.cpu.shares = 1024;
  resources.cpu.quota = 12345;
  resources.cpu.period = 100000;
  resources.memory.limit = 64 << 20;
  resources.memory.swap = 96 << 20;
  resources.memory.reservation = -1;
  resources.pids_limit = 20;
  resources.block_io.weight = 1000;
  EXPECT_EQ(unit_properties(resources, true), (std::vector<UnitProperty>{{"CPUWeight", "t", {"39"}},
                                                                         {"CPUQuotaPeriodUSec", "t", {"100000"}},
                                                                         {"CPUQuotaPerSecUSec", "t", {"130000"}},
                                                                         {"MemoryMax", "t", {"67108864"}},
                                                                         {"MemoryLow", "t", {"18446744073709551615"}},
                                                                         {"MemorySwapMax", "t", {"33554432"}},
                                                                         {"TasksMax", "t", {"144"}},
                                                                         {"IOWeight", "t", {"10000"}}}));
}

TEST(UnitProperties, OfVersion1) {
  oci::Resources resources;
  resources.cpu.shares = 1024;
  resources.memory.limit = 64 << 20;
  EXPECT_EQ(unit_properties(resources, false),
            (std::vector<UnitProperty>{{"CPUShares", "t", {"1024"}}, {"MemoryLimit", "t", {"67108864"}}}));
}

TEST(UnitProperties, ProcessorsAreBytes) {
  oci::Resources resources;
  resources.cpu.cpus = "0,9";
  resources.cpu.mems = "0";
  EXPECT_EQ(unit_properties(resources, true), (std::vector<UnitProperty>{{"AllowedCPUs", "ay", {"2", "1", "2"}},
                                                                         {"AllowedMemoryNodes", "ay", {"1", "1"}}}));
  EXPECT_EQ(unit_properties(resources, false), std::vector<UnitProperty>{}) << "systemd knows none in version 1";
}

TEST(UnitProperties, FilesByTheirNames) {
  oci::Resources resources;
  resources.unified = {{"cpu.max", "max 50000"},   {"cpuset.cpus", "1"},      {"memory.high", "4096"},
                       {"memory.swap.max", "max"}, {"pids.max", "no number"}, {"hugetlb.2MB.max", "0"}};
  EXPECT_EQ(unit_properties(resources, true),
            (std::vector<UnitProperty>{{"CPUQuotaPeriodUSec", "t", {"50000"}},
                                       {"CPUQuotaPerSecUSec", "t", {"18446744073709551615"}},
                                       {"AllowedCPUs", "ay", {"1", "2"}},
                                       {"MemoryHigh", "t", {"4096"}},
                                       {"MemorySwapMax", "t", {"18446744073709551615"}}}));
}

}  // namespace
}  // namespace runsc
