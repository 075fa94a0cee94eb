#include "sandbox/cgroup/cgroup_stats.h"

#include <gtest/gtest.h>

#include "sandbox/cgroup/fake_cgroup_host.h"

namespace runsc {
namespace {

TEST(CgroupStats, Version1) {
  FakeCgroupHost fake;
  const std::string root = fake.root();
  fake.mount_all_v1();
  fake.make("cpu/c", {{"cpu.stat", "nr_periods 9\nnr_throttled 3\nthrottled_time 700\n"}});
  fake.make("cpuacct/c", {{"cpuacct.usage", "5000\n"},
                          {"cpuacct.usage_percpu", "2000 3000 \n"},
                          {"cpuacct.usage_all", "cpu user system\n0 1500 500\n1 2500 500\n"},
                          {"cpuacct.stat", "user 4\nsystem 1\n"}});
  fake.make("cpuset/c",
            {{"cpuset.cpus", "0-1\n"}, {"cpuset.mems", "0\n"}, {"cpuset.sched_relax_domain_level", "-1\n"}});
  fake.make("memory/c", {{"memory.limit_in_bytes", "67108864\n"},
                         {"memory.usage_in_bytes", "4096\n"},
                         {"memory.max_usage_in_bytes", "8192\n"},
                         {"memory.failcnt", "2\n"},
                         {"memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"},
                         {"memory.stat", "cache 1024\nrss 3072\n"}});
  fake.make("pids/c", {{"pids.current", "7\n"}, {"pids.max", "144\n"}});
  fake.make("blkio/c", {{"blkio.throttle.io_service_bytes_recursive", "8:0 Read 4096\n8:0 Write 0\nTotal 4096\n"}});
  const CgroupStats stats = read_cgroup_stats(fake.detect(), {root + "/cpu/c", root + "/cpuacct/c", root + "/cpuset/c",
                                                              root + "/memory/c", root + "/pids/c", root + "/blkio/c"});
  const nlohmann::ordered_json json = stats_to_json(stats);
  EXPECT_EQ(
      json["cpu"].dump(),
      R"({"usage":{"total":5000,"percpu":[2000,3000],"percpu_kernel":[500,500],"percpu_user":[1500,2500],)"
      R"("kernel":10000000,"user":40000000},"throttling":{"periods":9,"throttledPeriods":3,"throttledTime":700}})");
  EXPECT_EQ(json["cpuset"]["cpus"].dump(), "[0,1]");
  EXPECT_EQ(json["cpuset"]["sched_relax_domain_level"], -1);
  EXPECT_EQ(json["memory"].dump(),
            R"({"cache":1024,"usage":{"limit":67108864,"usage":4096,"max":8192,"failcnt":2},)"
            R"("swap":{"limit":0,"failcnt":0},"kernel":{"limit":0,"failcnt":0},"kernelTCP":{"limit":0,"failcnt":0},)"
            R"("raw":{"cache":1024,"oom_kill":3,"rss":3072}})");
  EXPECT_EQ(json["pids"].dump(), R"({"current":7,"limit":20})");
  EXPECT_EQ(json["blkio"].dump(), R"({"ioServiceBytesRecursive":[{"major":8,"op":"Read","value":4096},)"
                                  R"({"major":8,"op":"Write"}]})");
}

TEST(CgroupStats, Version2) {
  FakeCgroupHost fake;
  fake.mount_v2("cgroup");
  fake.make("cgroup/c", {{"cpu.stat", "usage_usec 5\nuser_usec 4\nsystem_usec 1\nnr_periods 2\nthrottled_usec 3\n"},
                         {"memory.current", "4096\n"},
                         {"memory.max", "max\n"},
                         {"memory.peak", "8192\n"},
                         {"memory.events", "low 0\nmax 6\noom 1\noom_kill 1\n"},
                         {"memory.stat", "anon 1\nfile 2\n"},
                         {"memory.swap.current", "10\n"},
                         {"memory.swap.max", "100\n"},
                         {"pids.current", "7\n"},
                         {"pids.max", "max\n"},
                         {"io.stat", "8:0 rbytes=100 wbytes=0 rios=1 wios=0 dbytes=0 dios=0\n"}});
  const CgroupStats stats = read_cgroup_stats(fake.detect(), {fake.root() + "/cgroup/c"});
  EXPECT_EQ(stats.cpu.total, 5000u);
  EXPECT_EQ(stats.cpu.throttled_time, 3000u);
  EXPECT_EQ(stats.memory.cache, 2u);
  EXPECT_EQ(stats.memory.usage.limit, ~std::uint64_t{0});
  EXPECT_EQ(stats.memory.usage.failcnt, 6u);
  EXPECT_EQ(stats.memory.usage.max, 8192u);
  EXPECT_EQ(stats.memory.raw.at("oom_kill"), 1u);
  EXPECT_EQ(stats.memory.swap.usage, 4106u) << "memory and swap, as version 1 counts";
  EXPECT_EQ(stats.memory.swap.limit, ~std::uint64_t{0});
  EXPECT_EQ(stats.pids.limit, 0u);
  ASSERT_EQ(stats.blkio.at("ioServiceBytesRecursive").size(), 2u) << "no discards";
  EXPECT_EQ(stats.blkio.at("ioServiceBytesRecursive")[0].value, 100u);
  EXPECT_EQ(stats.blkio.at("ioServicedRecursive")[0].value, 1u);
}

TEST(CgroupStats, NothingMeasured) {
  const nlohmann::ordered_json json = stats_to_json({});
  EXPECT_EQ(json["cpu"].dump(), R"({"usage":{"kernel":0,"user":0},"throttling":{}})");
  EXPECT_EQ(json["blkio"].dump(), "{}");
  EXPECT_EQ(json["intel_rdt"].dump(), "{}");
  EXPECT_TRUE(json["network_interfaces"].is_null());
}

TEST(CgroupStats, Lists) {
  using Numbers = std::vector<std::uint16_t>;
  EXPECT_EQ(parse_number_list("0-2,7\n"), (Numbers{0, 1, 2, 7}));
  EXPECT_EQ(parse_number_list("\n"), Numbers{});
  EXPECT_EQ(parse_number_list("3"), Numbers{3});
}

}  // namespace
}  // namespace runsc
