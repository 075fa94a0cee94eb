#include "boot/loader/container_config_json.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include "boot/base/unique_fd.h"

namespace runsc {
namespace {

ContainerConfig example() {
  ContainerConfig config;
  config.id = "c1";
  config.args = {"/bin/sh", "-c", "echo \"quoted\"\n"};
  config.env = {"PATH=/bin", "EMPTY="};
  config.cwd = "/";
  config.additional_gids = {10, 4294967294u};
  config.umask = 0027;
  config.capabilities.bounding = 0x1ffffffffff;
  config.rlimits = {{7, 1024, ~0ull}};
  config.mounts = {{.destination = "/",
                    .type = MountType::kGofer,
                    .source = "root",
                    .flags = 1,
                    .data = {},
                    .connection = 0,
                    .file_access = FileAccess::kExclusive,
                    .overlay = OverlayKind::kSelf,
                    .overlay_store = 0},
                   {.destination = "/dev", .type = MountType::kDev, .source = "tmpfs", .data = {"mode=755"}}};
  config.sysctls = {{"kernel.shmmax", "1"}};
  config.devices = {{.path = "/dev/x", .mode = S_IFCHR | 0640, .major = 1, .minor = 3, .uid = 4, .gid = 5}};
  config.pids_limit = 100;
  config.cpu_quota = 150000;
  config.cpu_period = 100000;
  config.cpu_shares = 512;
  config.memory_swap = 1 << 21;
  config.memory_reservation = 1 << 19;
  config.host_processors = ~0ULL;
  config.scheduling = {.policy = 2, .priority = 5, .nice = -3, .reset_on_fork = true, .io_priority = 1 << 13 | 4};
  config.console_size = ConsoleSize{24, 80};
  return config;
}

TEST(ContainerConfigJson, SurvivesTheRoundTrip) {
  std::string why;
  const auto back = container_config_from_json(container_config_to_json(example()), &why);
  ASSERT_TRUE(back.ok()) << why;
  EXPECT_EQ(*back, example());
}

TEST(ContainerConfigJson, ReadsFromADescriptor) {
  const UniqueFd fd(::memfd_create("config", MFD_CLOEXEC));
  const std::string text = container_config_to_json(example());
  ASSERT_EQ(::write(fd.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  std::string why;
  const auto back = read_container_config(fd.get(), &why);
  ASSERT_TRUE(back.ok()) << why;
  EXPECT_EQ(*back, example());
}

void expect_refused(const ContainerConfig& config, const std::string& reason) {
  std::string why;
  EXPECT_FALSE(container_config_from_json(container_config_to_json(config), &why).ok());
  EXPECT_NE(why.find(reason), std::string::npos) << why;
}

TEST(ContainerConfigJson, RefusesWhatBreaksTheRules) {
  ContainerConfig config = example();
  config.args.clear();
  expect_refused(config, "args");
  config = example();
  config.cwd = "tmp";
  expect_refused(config, "cwd");
  config = example();
  config.env.push_back(std::string("A=\0b", 4));
  expect_refused(config, "NUL");
  config = example();
  config.mounts.erase(config.mounts.begin());
  expect_refused(config, "first");
  config = example();
  config.mounts[0].connection = -1;
  expect_refused(config, "connection");
  config = example();
  config.devices[0].mode = S_IFREG | 0644;
  expect_refused(config, "devices");
}

TEST(ContainerConfigJson, RefusesGarbage) {
  std::string why;
  for (const char* text : {"", "null", "[]", "{}", "{\"id\":1}", "{\"id\":\"a\"", "\xff"}) {
    why.clear();
    EXPECT_FALSE(container_config_from_json(text, &why).ok()) << text;
    EXPECT_FALSE(why.empty());
  }
}

}  // namespace
}  // namespace runsc
