#include "sandbox/cgroup/container_cgroup.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/fake_cgroup_host.h"

namespace runsc {
namespace {

using Names = std::vector<std::string>;

CgroupRequest request(oci::Resources resources = {}, const std::string& path = "/c") {
  return {
      .id = "id", .path = path, .driver = CgroupDriver::kFiles, .rootless = false, .resources = std::move(resources)};
}

void make_one(const FakeCgroupHost& fake, const oci::Resources& resources) {
  ContainerCgroup cgroup(fake.detect(), request(resources));
  ASSERT_TRUE(cgroup.make());
  cgroup.limit();
}

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

oci::Resources some_of_everything() {
  oci::Resources out;
  out.memory = {.limit = 64 << 20, .reservation = 32 << 20, .swap = 128 << 20, .swappiness = 60};
  out.cpu.shares = 512;
  out.cpu.quota = 50000;
  out.cpu.period = 100000;
  out.cpu.cpus = "0-1";
  out.cpu.mems = "0";
  out.pids_limit = 20;
  out.block_io.weight = 500;
  out.block_io.read_bps = {{8, 0, 1000}};
  out.block_io.write_iops = {{8, 16, 20}};
  out.hugepage_limits = {{"2MB", 4 << 20}};
  return out;
}

class Version1 : public ::testing::Test {
 protected:
  Version1() {
    fake.mount_all_v1();
    fake.make("cpu/c", {{"cpu.shares", "1024"}, {"cpu.cfs_period_us", ""}, {"cpu.cfs_quota_us", ""}});
    fake.make("cpuset", {{"cpuset.cpus", "0-3\n"}, {"cpuset.mems", "0\n"}});
    fake.make("cpuset/c", {{"cpuset.cpus", "\n"}, {"cpuset.mems", "\n"}});
    fake.make("memory/c", {{"memory.limit_in_bytes", "9223372036854771712"},
                           {"memory.memsw.limit_in_bytes", "9223372036854771712"},
                           {"memory.soft_limit_in_bytes", ""},
                           {"memory.swappiness", "60"},
                           {"memory.oom_control", ""},
                           {"memory.usage_in_bytes", "5000000"}});
    fake.make("pids/c", {{"pids.max", "max"}});
    fake.make(
        "blkio/c",
        {{"blkio.bfq.weight", ""}, {"blkio.throttle.read_bps_device", ""}, {"blkio.throttle.write_iops_device", ""}});
    fake.make("hugetlb/c", {{"hugetlb.2MB.limit_in_bytes", ""}, {"hugetlb.2MB.rsvd.limit_in_bytes", ""}});
    fake.make("devices/c", {{"devices.allow", ""}, {"devices.deny", ""}});
    for (const char* name : {"cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "devices", "hugetlb"}) {
      fake.make(std::string(name) + "/c", {{"cgroup.procs", ""}, {"tasks", ""}});
    }
  }
  void create(const oci::Resources& resources) { make_one(fake, resources); }
  FakeCgroupHost fake;
};

TEST_F(Version1, WritesTheLimits) {
  create(some_of_everything());
  EXPECT_EQ(fake.read("cpu/c/cpu.shares"), "512");
  EXPECT_EQ(fake.read("cpu/c/cpu.cfs_quota_us"), "50000");
  EXPECT_EQ(fake.read("cpu/c/cpu.cfs_period_us"), "100000");
  EXPECT_EQ(fake.read("cpuset/c/cpuset.cpus"), "0-1");
  EXPECT_EQ(fake.read("memory/c/memory.limit_in_bytes"), "67108864");
  EXPECT_EQ(fake.read("memory/c/memory.memsw.limit_in_bytes"), "134217728");
  EXPECT_EQ(fake.read("memory/c/memory.soft_limit_in_bytes"), "33554432");
  EXPECT_EQ(fake.read("pids/c/pids.max"), "144");
  EXPECT_EQ(fake.read("blkio/c/blkio.bfq.weight"), "500");
  EXPECT_EQ(fake.read("blkio/c/blkio.throttle.read_bps_device"), "8:0 1000");
  EXPECT_EQ(fake.read("blkio/c/blkio.throttle.write_iops_device"), "8:16 20");
  EXPECT_EQ(fake.read("hugetlb/c/hugetlb.2MB.limit_in_bytes"), "4194304");
  EXPECT_EQ(fake.read("hugetlb/c/hugetlb.2MB.rsvd.limit_in_bytes"), "4194304");
  EXPECT_EQ(fake.read("devices/c/devices.deny"), "a");
}

TEST_F(Version1, WritesNothingForNoLimits) {
  create({});
  EXPECT_EQ(fake.read("cpu/c/cpu.shares"), "1024");
  EXPECT_EQ(fake.read("pids/c/pids.max"), "max");
  EXPECT_EQ(fake.read("cpuset/c/cpuset.cpus"), "0-3") << "a new cpuset has no processors";
}

TEST_F(Version1, UnlimitedMemoryUnlimitsSwapToo) {
  oci::Resources resources;
  resources.memory.limit = -1;
  create(resources);
  EXPECT_EQ(fake.read("memory/c/memory.limit_in_bytes"), "-1");
  EXPECT_EQ(fake.read("memory/c/memory.memsw.limit_in_bytes"), "-1");
}

TEST_F(Version1, ChecksWhatTheKernelDoesNot) {
  oci::Resources resources;
  resources.memory.swappiness = 101;
  EXPECT_EQ(error_of([&] { create(resources); }), "invalid memory swappiness value: 101 (valid range is 0-100)");
  resources = {};
  resources.unified["memory.high"] = "1";
  EXPECT_EQ(error_of([&] { create(resources); }), "invalid configuration: cannot use unified on cgroup v1");
  resources = {};
  resources.memory.limit = 1000;
  resources.memory.check_before_update = true;
  EXPECT_EQ(error_of([&] { create(resources); }), "rejecting memory limit 1000: usage is 5000000");
}

TEST_F(Version1, OthersProcessesAreNotTakenOver) {
  fake.make("pids/c", {{"cgroup.procs", "1\n"}});
  EXPECT_EQ(error_of([&] { create({}); }),
            "container's cgroup is not empty: 1 process(es) found in " + fake.root() + "/pids/c");
}

TEST_F(Version1, ChangesWhatUpdateNamesOnly) {
  create(some_of_everything());
  fake.make("devices/c", {{"devices.deny", "untouched"}});
  oci::Resources change;
  change.pids_limit = 5;
  update_cgroup(fake.detect(), ContainerCgroup(fake.detect(), request()).entries(), change);
  EXPECT_EQ(fake.read("pids/c/pids.max"), "84");
  EXPECT_EQ(fake.read("cpu/c/cpu.shares"), "512");
  EXPECT_EQ(fake.read("devices/c/devices.deny"), "untouched");
}

TEST_F(Version1, EntersEveryHierarchy) {
  ContainerCgroup cgroup(fake.detect(), request());
  ASSERT_TRUE(cgroup.make());
  cgroup.limit();
  const CgroupDoors doors = cgroup.open_doors();
  EXPECT_EQ(doors.unified(), -1);
  doors.enter();
  cgroup.enter({42}, {43});
  for (const char* name : {"cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "devices", "hugetlb"}) {
    EXPECT_EQ(fake.read(std::string(name) + "/c/tasks"), "0") << name << ": who goes through the doors";
    EXPECT_EQ(fake.read(std::string(name) + "/c/cgroup.procs"), "43") << name << ": who does not";
  }
}

TEST_F(Version1, ADoorThatIsMissingIsAnErrorWhereAPlaceWasAskedFor) {
  std::filesystem::remove(fake.root() + "/pids/c/tasks");
  ContainerCgroup cgroup(fake.detect(), request());
  ASSERT_TRUE(cgroup.make());
  EXPECT_EQ(error_of([&] { (void)cgroup.open_doors(); }),
            "open " + fake.root() + "/pids/c/tasks: no such file or directory");
}

TEST_F(Version1, ImplicitPlaceThatIsTakenIsLeftToItsOwner) {
  fake.make("pids/id", {{"cgroup.procs", "1\n"}});
  const ContainerCgroup cgroup(fake.detect(), request({}, ""));
  for (const std::string& entry : cgroup.entries()) {
    EXPECT_TRUE(entry.ends_with("/id-" + std::to_string(::getpid()))) << entry;
  }
}

TEST(ImplicitPlace, ThatSomebodyElseWasFasterToMakeIsLeftToHim) {
  FakeCgroupHost fake;
  fake.mount_v1("cpu", "rw,cpu");
  fake.mount_v1("pids", "rw,pids");
  ContainerCgroup cgroup(fake.detect(), request({}, ""));
  const Names first = cgroup.entries();
  fake.make("pids/id", {{"cgroup.procs", "1\n"}});
  EXPECT_FALSE(cgroup.make());
  EXPECT_FALSE(std::filesystem::exists(fake.root() + "/cpu/id")) << "what was made before the conflict is removed";
  EXPECT_EQ(fake.read("pids/id/cgroup.procs"), "1\n");
  EXPECT_NE(cgroup.entries(), first);
  ASSERT_TRUE(cgroup.make());
  for (const std::string& entry : cgroup.entries()) EXPECT_TRUE(std::filesystem::exists(entry)) << entry;
}

TEST(MissingController, IsAnErrorOnlyWithALimit) {
  FakeCgroupHost fake;
  fake.mount_v1("cpu", "rw,cpu");
  make_one(fake, {});
  oci::Resources resources;
  resources.memory.limit = 1 << 20;
  EXPECT_EQ(
      error_of([&] { make_one(fake, resources); }),
      "cannot set memory limit: container could not join or create cgroup (controller \"memory\" is not mounted on "
      "this host)");
}

TEST(NoCgroupsAtAll, IsAnErrorOnlyWithALimit) {
  FakeCgroupHost fake;
  make_one(fake, {});
  oci::Resources resources;
  resources.pids_limit = 3;
  EXPECT_NE(error_of([&] { make_one(fake, resources); }).find("pids"), std::string::npos);
}

TEST(IgnoredCgroups, AreNotTouched) {
  FakeCgroupHost fake;
  fake.mount_v1("cpu", "rw,cpu");
  CgroupRequest ignoring = request(some_of_everything());
  ignoring.driver = CgroupDriver::kNone;
  ContainerCgroup cgroup(fake.detect(), ignoring);
  ASSERT_TRUE(cgroup.make());
  cgroup.limit();
  cgroup.enter({::getpid()});
  EXPECT_EQ(cgroup.entries(), Names{});
  EXPECT_FALSE(std::filesystem::exists(fake.root() + "/cpu/c"));
}

class Version2 : public ::testing::Test {
 protected:
  Version2() {
    fake.mount_v2("cgroup");
    fake.make("cgroup", {{"cgroup.controllers", "cpu memory pids io cpuset"}, {"cgroup.subtree_control", ""}});
    fake.make("cgroup/c", {{"cgroup.controllers", "cpu memory pids io cpuset"},
                           {"cgroup.procs", ""},
                           {"cpu.weight", "100"},
                           {"cpu.max", "max 100000"},
                           {"cpuset.cpus", ""},
                           {"cpuset.mems", ""},
                           {"memory.max", "max"},
                           {"memory.low", "0"},
                           {"memory.high", "max"},
                           {"memory.swap.max", "max"},
                           {"memory.current", "5000000"},
                           {"pids.max", "max"},
                           {"io.weight", ""},
                           {"io.max", ""}});
  }
  void create(const oci::Resources& resources) { make_one(fake, resources); }
  FakeCgroupHost fake;
};

TEST_F(Version2, WritesTheLimits) {
  oci::Resources resources = some_of_everything();
  resources.hugepage_limits.clear();
  resources.block_io.write_iops.clear();
  resources.unified["memory.high"] = "60000000";
  create(resources);
  EXPECT_EQ(fake.read("cgroup/cgroup.subtree_control"), "+cpu +memory +pids +io +cpuset");
  EXPECT_EQ(fake.read("cgroup/c/cpu.weight"), "20");
  EXPECT_EQ(fake.read("cgroup/c/cpu.max"), "50000 100000");
  EXPECT_EQ(fake.read("cgroup/c/cpuset.cpus"), "0-1");
  EXPECT_EQ(fake.read("cgroup/c/memory.max"), "67108864");
  EXPECT_EQ(fake.read("cgroup/c/memory.low"), "33554432");
  EXPECT_EQ(fake.read("cgroup/c/memory.high"), "60000000");
  EXPECT_EQ(fake.read("cgroup/c/memory.swap.max"), "67108864");
  EXPECT_EQ(fake.read("cgroup/c/pids.max"), "144");
  EXPECT_EQ(fake.read("cgroup/c/io.weight"), "default 4950");
  EXPECT_EQ(fake.read("cgroup/c/io.max"), "8:0 rbps=1000");
}

TEST_F(Version2, QuotaWithoutPeriodAndPeriodWithoutQuota) {
  oci::Resources resources;
  resources.cpu.quota = 20000;
  create(resources);
  EXPECT_EQ(fake.read("cgroup/c/cpu.max"), "20000 100000");
  resources.cpu = {};
  resources.cpu.period = 50000;
  create(resources);
  EXPECT_EQ(fake.read("cgroup/c/cpu.max"), "max 50000");
}

TEST_F(Version2, NamesTheControllerThatIsMissing) {
  oci::Resources resources;
  resources.hugepage_limits = {{"2MB", 4 << 20}};
  EXPECT_EQ(error_of([&] { create(resources); }),
            "cannot set hugetlb limit: controller \"hugetlb\" is not available in " + fake.root() + "/cgroup/c");
  resources = {};
  resources.unified["rdma.max"] = "mlx5_0 hca_handle=2";
  EXPECT_NE(error_of([&] { create(resources); }).find("controller \"rdma\" is not available"), std::string::npos);
}

TEST_F(Version2, RefusesRealTime) {
  oci::Resources resources;
  resources.cpu.realtime_runtime = 1000;
  EXPECT_NE(error_of([&] { create(resources); }).find("realtime"), std::string::npos);
}

TEST_F(Version2, OpensTheDirectoryToBeBornIn) {
  ContainerCgroup cgroup(fake.detect(), request());
  ASSERT_TRUE(cgroup.make());
  cgroup.limit();
  EXPECT_NE(cgroup.open_doors().unified(), -1);
  fake.make("cgroup/c", {{"cgroup.procs", "42\n"}});
  cgroup.enter({42, 43});
  EXPECT_EQ(fake.read("cgroup/c/cgroup.procs"), "43") << "42 is there already";
}

// A process that sleeps until it is killed, and that the cgroup has.
pid_t put_child_into(FakeCgroupHost& fake, const std::string& cgroup) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  fake.make(cgroup, {{"cgroup.procs", std::to_string(child) + "\n"}});
  return child;
}

TEST(RemoveCgroups, RemovesWhatIsEmptyAndForgivesWhatIsGone) {
  FakeCgroupHost fake;
  fake.make("cgroup/c/child", {});
  remove_cgroups({fake.root() + "/cgroup/c", fake.root() + "/cgroup/gone"}, Leftovers::kKill);
  EXPECT_FALSE(std::filesystem::exists(fake.root() + "/cgroup/c"));
}

TEST(RemoveCgroups, SparesWhatMayBeSomebodyElses) {
  FakeCgroupHost fake;
  const pid_t child = put_child_into(fake, "cgroup/c");
  remove_cgroups({fake.root() + "/cgroup/c"}, Leftovers::kSpare);
  EXPECT_EQ(::waitpid(child, nullptr, WNOHANG), 0) << "it lives";
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(RemoveCgroups, KillsWhatIsLeftInside) {
  FakeCgroupHost fake;
  const pid_t child = put_child_into(fake, "cgroup/c");
  remove_cgroups({fake.root() + "/cgroup/c"}, Leftovers::kKill);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

}  // namespace
}  // namespace runsc
