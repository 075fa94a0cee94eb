#include "sandbox/cgroup/cgroup_paths.h"

#include <gtest/gtest.h>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/fake_cgroup_host.h"

namespace runsc {
namespace {

using Paths = std::vector<std::string>;

TEST(CgroupPaths, AbsoluteIsFromTheRootOfEachHierarchy) {
  FakeCgroupHost fake;
  const std::string cpu = fake.mount_v1("cpu", "rw,cpu", "/own");
  const std::string unified = fake.mount_v2("unified", "/own/too");
  EXPECT_EQ(cgroup_directories(fake.detect(), "/docker/x", "id"), (Paths{cpu + "/docker/x", unified + "/docker/x"}));
}

TEST(CgroupPaths, RelativeIsFromTheCallersCgroup) {
  FakeCgroupHost fake;
  const std::string cpu = fake.mount_v1("cpu", "rw,cpu", "/own");
  EXPECT_EQ(cgroup_directories(fake.detect(), "a//b/", "id"), Paths{cpu + "/own/a/b"});
}

// A cgroup of version 2 that has processes cannot share its controllers out.
TEST(CgroupPaths, RelativeInVersion2IsBesideTheCaller) {
  FakeCgroupHost fake;
  const std::string cgroup = fake.mount_v2("cgroup", "/user.slice/session.scope");
  EXPECT_EQ(cgroup_directories(fake.detect(), "", "id"), Paths{cgroup + "/user.slice/id"});
}

TEST(CgroupPaths, RelativeInTheRootStaysThere) {
  FakeCgroupHost fake;
  const std::string cgroup = fake.mount_v2("cgroup", "/");
  EXPECT_EQ(cgroup_directories(fake.detect(), "", "id"), Paths{cgroup + "/id"});
}

TEST(CgroupPaths, NoneWhereNothingIsMounted) {
  FakeCgroupHost fake;
  EXPECT_EQ(cgroup_directories(fake.detect(), "/x", "id"), Paths{});
}

TEST(CgroupPaths, UpwardsIsRefused) {
  FakeCgroupHost fake;
  fake.mount_v2("cgroup");
  for (const char* path : {"/../x", "..", "a/../../b"}) {
    EXPECT_THROW(cgroup_directories(fake.detect(), path, "id"), UserError) << path;
  }
}

TEST(SystemdUnit, SliceOfSlices) {
  const SystemdUnit unit = parse_systemd_unit("machine-a-b.slice:libpod:123", "id", false);
  EXPECT_EQ(unit.name, "libpod-123.scope");
  EXPECT_EQ(unit.path(), "/machine.slice/machine-a.slice/machine-a-b.slice/libpod-123.scope");
}

TEST(SystemdUnit, Defaults) {
  EXPECT_EQ(parse_systemd_unit("", "id", false).path(), "/system.slice/runc-id.scope");
  EXPECT_EQ(parse_systemd_unit("", "id", true).path(), "/user.slice/runc-id.scope");
  EXPECT_EQ(parse_systemd_unit(":docker:c", "id", false).path(), "/system.slice/docker-c.scope");
  EXPECT_EQ(parse_systemd_unit("-.slice::c", "id", false).path(), "/c.scope");
}

TEST(SystemdUnit, Refused) {
  for (const char* path : {"/docker/x", "a:b", "a.slice:b:c:d", "a:b:c", "a--b.slice:p:c", "a-.slice:p:c",
                           "x/y.slice:p:c", "a.slice:p:", "a.slice:p:../c", ".slice:p:c"}) {
    EXPECT_THROW(parse_systemd_unit(path, "id", false), UserError) << path;
  }
}

TEST(SystemdUnit, BelowSystemdsOwnCgroup) {
  FakeCgroupHost fake;
  const std::string cgroup = fake.mount_v2("cgroup", "/x", "/lxc/host/init.scope");
  EXPECT_EQ(cgroup_directories(fake.detect(), parse_systemd_unit("a.slice:p:c", "id", false)),
            Paths{cgroup + "/lxc/host/a.slice/p-c.scope"});
}

}  // namespace
}  // namespace runsc
