#include "sandbox/plan.h"

#include <gtest/gtest.h>
#include <sys/mount.h>

#include "boot/loader/container_config_json.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/default_spec.h"
#include "runsc/oci/parse.h"

namespace runsc {
namespace {

oci::Spec example() {
  oci::Spec spec = oci::parse_spec(oci::default_spec(false));
  spec.root = {.path = "/images/one", .readonly = false};
  return spec;
}

const ContainerMount& mount_at(const ContainerPlan& plan, const std::string& destination) {
  for (const ContainerMount& mount : plan.config.mounts) {
    if (mount.destination == destination) return mount;
  }
  throw UserError("no mount at " + destination);
}

TEST(Plan, IsWhatTheBootProcessAccepts) {
  std::string why;
  const ContainerConfig config = plan_container("c", example(), {}).config;
  const auto accepted = container_config_from_json(container_config_to_json(config), &why);
  ASSERT_TRUE(accepted.ok()) << why;
  EXPECT_EQ(*accepted, config);
}

TEST(Plan, PutsAnOverlayOverAWritableRoot) {
  const ContainerPlan plan = plan_container("c", example(), {});
  const ContainerMount& root = plan.config.mounts[0];
  EXPECT_EQ(root.destination, "/");
  EXPECT_EQ(root.overlay, OverlayKind::kSelf);
  EXPECT_EQ(root.overlay_store, 0);
  EXPECT_EQ(plan.overlay_directories, std::vector<std::string>{"/images/one"});
  EXPECT_TRUE(plan.gofer_mounts[0].read_only) << "nothing reaches the image, so the gofer may not write it";
}

TEST(Plan, WritesThroughWhenAsked) {
  RuntimeOptions options;
  options.overlay.kind = OverlayKind::kNone;
  const ContainerPlan plan = plan_container("c", example(), options);
  EXPECT_FALSE(plan.gofer_mounts[0].read_only);
  EXPECT_TRUE(plan.overlay_directories.empty());
}

TEST(Plan, WritesThroughToARootThatIsAMount) {
  oci::Spec spec = example();
  spec.root.path = "/proc";  // a mount on every machine
  RuntimeOptions options;
  options.overlay.unless_mounted = true;
  const ContainerPlan plan = plan_container("c", spec, options);
  EXPECT_EQ(plan.config.mounts[0].overlay, OverlayKind::kNone);
  EXPECT_EQ(plan.config.mounts[0].file_access, FileAccess::kShared);
  EXPECT_FALSE(plan.gofer_mounts[0].read_only);
  options.file_access = FileAccess::kExclusive;
  EXPECT_EQ(plan_container("c", spec, options).config.mounts[0].file_access, FileAccess::kExclusive);
  const ContainerPlan plain = plan_container("c", example(), options);
  EXPECT_EQ(plain.config.mounts[0].overlay, OverlayKind::kSelf) << "/images/one is no mount";
  options.overlay.unless_mounted = false;
  EXPECT_EQ(plan_container("c", spec, options).config.mounts[0].overlay, OverlayKind::kSelf) << "asked for";
}

TEST(Plan, AReadOnlyRootHasAnOverlayOnlyForMissingMountPoints) {
  oci::Spec spec = example();
  spec.root.readonly = true;
  const ContainerPlan lacking = plan_container("c", spec, {});
  EXPECT_EQ(lacking.config.mounts[0].overlay, OverlayKind::kMemory);
  EXPECT_TRUE(lacking.gofer_mounts[0].read_only);
  spec.mounts.clear();
  const ContainerPlan plan = plan_container("c", spec, {});
  EXPECT_EQ(plan.config.mounts[0].overlay, OverlayKind::kNone);
  EXPECT_EQ(plan.config.mounts[0].flags, static_cast<std::uint64_t>(MS_RDONLY));
  EXPECT_TRUE(plan.gofer_mounts[0].read_only);
}

TEST(Plan, ServesBindMountsThroughConnectionsOfTheirOwn) {
  oci::Spec spec = example();
  spec.mounts.push_back({.destination = "/a", .type = "bind", .source = "/host/a", .flags = MS_RDONLY, .data = {}});
  spec.mounts.push_back({.destination = "/b", .type = "bind", .source = "/host/b", .recursive = true, .data = {}});
  const ContainerPlan plan = plan_container("c", spec, {});
  ASSERT_EQ(plan.gofer_mounts.size(), 3u);
  EXPECT_EQ(mount_at(plan, "/a").connection, 1);
  EXPECT_EQ(mount_at(plan, "/b").connection, 2);
  EXPECT_EQ(mount_at(plan, "/b").file_access, FileAccess::kShared);
  EXPECT_EQ(mount_at(plan, "/b").overlay, OverlayKind::kNone);
  EXPECT_TRUE(plan.gofer_mounts[1].read_only);
  EXPECT_FALSE(plan.gofer_mounts[2].read_only);
  EXPECT_TRUE(plan.gofer_mounts[2].recursive);
}

TEST(Plan, NeverServesTheHostsVirtualFileSystems) {
  oci::Spec spec = example();
  spec.mounts.clear();
  for (const char* source : {"/proc", "/sys", "/dev"}) {
    spec.mounts.push_back({.destination = source, .type = "bind", .source = source, .recursive = true, .data = {}});
  }
  const ContainerPlan plan = plan_container("c", spec, {});
  EXPECT_EQ(plan.gofer_mounts.size(), 1u);
  EXPECT_EQ(mount_at(plan, "/proc").type, MountType::kProc);
  EXPECT_EQ(mount_at(plan, "/sys").type, MountType::kSysfs);
  EXPECT_EQ(mount_at(plan, "/dev").type, MountType::kDev);
}

TEST(Plan, AlwaysHasDevices) {
  oci::Spec spec = example();
  spec.mounts.clear();
  const ContainerPlan plan = plan_container("c", spec, {});
  ASSERT_EQ(plan.config.mounts.size(), 2u);
  EXPECT_EQ(plan.config.mounts[1].type, MountType::kDev);
  EXPECT_EQ(mount_at(plan_container("c", example(), {}), "/dev").type, MountType::kDev);
}

TEST(Plan, TakesTheLimitsThatTheKernelKeeps) {
  oci::Spec spec = example();
  spec.linux_.resources.pids_limit = 12;
  spec.linux_.resources.memory.limit = 1 << 20;
  spec.linux_.resources.cpu.quota = 150000;
  spec.linux_.resources.cpu.period = 100000;
  const ContainerConfig config = plan_container("c", spec, {}).config;
  EXPECT_EQ(config.pids_limit, 12);
  EXPECT_EQ(config.memory_limit, 1 << 20);
  EXPECT_EQ(config.cpu_quota, 150000);
  EXPECT_EQ(config.cpu_period, 100000);
  spec.linux_.resources.pids_limit = -1;
  EXPECT_FALSE(plan_container("c", spec, {}).config.pids_limit.has_value());
}

TEST(Plan, RefusesToJoinUserAndMountNamespaces) {
  oci::Spec spec = example();
  spec.linux_.namespaces = {{oci::NamespaceType::kUser, "/proc/1/ns/user"}};
  EXPECT_THROW(plan_container("c", spec, {}), UserError);
}

}  // namespace
}  // namespace runsc
