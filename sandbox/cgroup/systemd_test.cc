#include "sandbox/cgroup/systemd.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

using Words = std::vector<std::string>;

TEST(Systemd, PropertiesOfVersion2) {
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

TEST(Systemd, PropertiesOfVersion1) {
  oci::Resources resources;
  resources.cpu.shares = 1024;
  resources.memory.limit = 64 << 20;
  EXPECT_EQ(unit_properties(resources, false),
            (std::vector<UnitProperty>{{"CPUShares", "t", {"1024"}}, {"MemoryLimit", "t", {"67108864"}}}));
}

TEST(Systemd, CallThatStartsAUnit) {
  const Words call =
      start_unit_call({"system.slice", "runc-x.scope"}, "runsc container x", {5, 6}, {{"CPUShares", "t", {"2"}}});
  const Words begin(call.begin(), call.begin() + 8);
  EXPECT_EQ(begin, (Words{"StartTransientUnit", "ssa(sv)a(sa(sv))", "runc-x.scope", "replace", "9", "Description", "s",
                          "runsc container x"}));
  const Words end(call.end() - 9, call.end());
  EXPECT_EQ(end, (Words{"PIDs", "au", "2", "5", "6", "CPUShares", "t", "2", "0"}));
}

TEST(Systemd, IsNotRunning) {
  if (std::filesystem::exists("/run/systemd/system")) {
    EXPECT_NO_THROW(expect_systemd());
    return;
  }
  try {
    expect_systemd();
    FAIL() << "no error";
  } catch (const UserError& error) {
    EXPECT_EQ(std::string(error.what())
                  .rfind("systemd cgroup driver asked for, but systemd is not running on this host "
                         "(no /run/systemd/system)",
                         0),
              0u)
        << error.what();
  }
}

}  // namespace
}  // namespace runsc
