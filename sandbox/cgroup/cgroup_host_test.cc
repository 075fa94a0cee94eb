#include "sandbox/cgroup/cgroup_host.h"

#include <gtest/gtest.h>

#include "sandbox/cgroup/fake_cgroup_host.h"

namespace runsc {
namespace {

using Names = std::vector<std::string>;

TEST(CgroupHost, NothingMounted) {
  FakeCgroupHost fake;
  EXPECT_EQ(fake.detect().mode, CgroupMode::kNone);
  EXPECT_EQ(fake.detect().find("memory"), nullptr);
}

TEST(CgroupHost, Legacy) {
  FakeCgroupHost fake;
  const std::string cpu = fake.mount_v1("cpu,cpuacct", "rw,cpu,cpuacct", "/a");
  const std::string named = fake.mount_v1("systemd", "rw,xattr,name=systemd", "/b", "/init.scope");
  const CgroupHost host = fake.detect();
  EXPECT_EQ(host.mode, CgroupMode::kLegacy);
  ASSERT_EQ(host.hierarchies.size(), 2u);
  EXPECT_EQ(host.hierarchies[0].controllers, (Names{"cpu", "cpuacct"}));
  EXPECT_EQ(host.find("cpuacct"), &host.hierarchies[0]);
  EXPECT_EQ(host.hierarchies[0].own, cpu + "/a");
  EXPECT_EQ(host.hierarchies[0].init, cpu);
  EXPECT_EQ(host.hierarchies[1].controllers, Names{"name=systemd"});
  EXPECT_EQ(host.hierarchies[1].mount_point, named);
}

TEST(CgroupHost, Hybrid) {
  FakeCgroupHost fake;
  fake.mount_v1("memory", "rw,memory", "/m");
  const std::string unified = fake.mount_v2("unified", "/u");
  const CgroupHost host = fake.detect();
  EXPECT_EQ(host.mode, CgroupMode::kHybrid);
  ASSERT_NE(host.find(""), nullptr);
  EXPECT_EQ(host.find("")->own, unified + "/u");
  EXPECT_EQ(host.find("memory")->own, fake.root() + "/memory/m");
}

TEST(CgroupHost, Unified) {
  FakeCgroupHost fake;
  fake.mount_v2("cgroup", "/user.slice/x.scope", "/init.scope");
  const CgroupHost host = fake.detect();
  EXPECT_EQ(host.mode, CgroupMode::kUnified);
  EXPECT_EQ(host.find("memory"), nullptr);
  EXPECT_EQ(host.find("")->own, fake.root() + "/cgroup/user.slice/x.scope");
  EXPECT_EQ(host.find("")->init, fake.root() + "/cgroup/init.scope");
}

// In a container that sees the part of the host's hierarchy that is its own.
TEST(CgroupHost, MountThatShowsAPart) {
  FakeCgroupHost fake;
  const std::string memory = fake.mount_v1("memory", "rw,memory", "/docker/abc/inner", "/", "/docker/abc");
  const CgroupHost host = fake.detect();
  EXPECT_EQ(host.find("memory")->own, memory + "/inner");
  EXPECT_EQ(host.find("memory")->init, memory) << "out of sight";
}

TEST(CgroupHost, TheFirstMountOfAHierarchyCounts) {
  FakeCgroupHost fake;
  const std::string first = fake.mount_v1("memory", "rw,memory");
  fake.mount_v1("again", "rw,memory");
  ASSERT_EQ(fake.detect().hierarchies.size(), 1u);
  EXPECT_EQ(fake.detect().hierarchies[0].mount_point, first);
}

TEST(CgroupHost, EscapedMountPoint) {
  FakeCgroupHost fake;
  fake.mount_v1("with\\040blank", "rw,pids");
  EXPECT_EQ(fake.detect().hierarchies[0].mount_point, fake.root() + "/with blank");
}

TEST(CgroupHost, Containing) {
  FakeCgroupHost fake;
  const std::string unified = fake.mount_v2("cgroup");
  const std::string memory = fake.mount_v1("cgroup/memory", "rw,memory");
  const CgroupHost host = fake.detect();
  EXPECT_EQ(host.containing(memory + "/x"), host.find("memory"));
  EXPECT_EQ(host.containing(unified + "/memory-of-others"), host.find(""));
  EXPECT_EQ(host.containing(unified), nullptr) << "the root is no container's";
  EXPECT_EQ(host.containing("/elsewhere"), nullptr);
}

TEST(CgroupHost, OwnCgroupAboveTheNamespace) {
  for (const char* own : {"/..", "/../../a"}) {
    FakeCgroupHost fake;
    const std::string cgroup = fake.mount_v2("cgroup", own);
    EXPECT_EQ(fake.detect().hierarchies.at(0).own, cgroup) << own;
  }
}

}  // namespace
}  // namespace runsc
