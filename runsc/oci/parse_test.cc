#include "runsc/oci/parse.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

namespace runsc::oci {
namespace {

using nlohmann::json;

json good() {
  return json::parse(R"({
    "ociVersion": "1.2.0",
    "process": {"args": ["sh", "-c", "true"], "cwd": "/", "env": ["PATH=/bin", "EMPTY="],
      "user": {"uid": 5, "gid": 6, "umask": 18, "additionalGids": [7, 8]},
      "capabilities": {"bounding": ["CAP_KILL"], "permitted": ["CAP_KILL", "CAP_CHOWN"], "effective": ["CAP_CHOWN"],
                       "ambient": ["CAP_KILL"]},
      "rlimits": [{"type": "RLIMIT_NOFILE", "soft": 10, "hard": 20}],
      "consoleSize": {"height": 24, "width": 80}, "oomScoreAdj": -5,
      "scheduler": {"policy": "SCHED_BATCH", "nice": 7, "flags": ["SCHED_FLAG_RESET_ON_FORK"]},
      "ioPriority": {"class": "IOPRIO_CLASS_BE", "priority": 6}, "noNewPrivileges": true},
    "root": {"path": "rootfs", "readonly": true},
    "hostname": "box",
    "mounts": [
      {"destination": "/proc", "type": "proc", "source": "proc"},
      {"destination": "/tmp/../run//x/.", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "size=64k", "ro", "rw"]},
      {"destination": "/data", "type": "none", "source": "/etc", "options": ["rbind", "ro", "rprivate"]}],
    "hooks": {"prestart": [{"path": "/bin/true", "args": ["true"], "timeout": 3}]},
    "annotations": {"a": "b"},
    "linux": {"namespaces": [{"type": "pid"}, {"type": "network", "path": "/proc/self/ns/net"}],
      "resources": {"pids": {"limit": 12}, "memory": {"limit": 1048576}, "cpu": {"quota": 50000, "period": 100000},
        "devices": [{"allow": false, "access": "rwm"}],
        "blockIO": {"weight": 10, "throttleReadBpsDevice": [{"major": 8, "minor": 0, "rate": 600}]},
        "hugepageLimits": [{"pageSize": "2MB", "limit": 9}], "unified": {"memory.high": "1"}},
      "sysctl": {"net.ipv4.ip_forward": "1"}, "maskedPaths": ["/proc/kcore"], "readonlyPaths": ["/proc/sys"],
      "cgroupsPath": "/a/b"}})");
}

TEST(ParseSpec, TakesEveryField) {
  const Spec spec = parse_spec(good());
  EXPECT_EQ(spec.process.args.size(), 3u);
  EXPECT_EQ(spec.process.user.umask, 18u);
  EXPECT_EQ(spec.process.user.additional_gids, (std::vector<std::uint32_t>{7, 8}));
  EXPECT_EQ(spec.process.capabilities.permitted, 0x21u);
  EXPECT_EQ(spec.process.capabilities.ambient, 0u) << "ambient is limited to inheritable";
  EXPECT_EQ(spec.process.rlimits[0], (ContainerRlimit{RLIMIT_NOFILE, 10, 20}));
  EXPECT_EQ(spec.process.console_size, (ConsoleSize{24, 80}));
  EXPECT_EQ(spec.process.oom_score_adj, -5);
  ASSERT_TRUE(spec.process.scheduler);
  EXPECT_EQ(spec.process.scheduler->policy, 3);
  EXPECT_EQ(spec.process.scheduler->nice, 7);
  EXPECT_EQ(spec.process.scheduler->flags, 1u);
  EXPECT_EQ(spec.process.io_priority, 2 << 13 | 6);
  EXPECT_TRUE(spec.root.readonly);
  EXPECT_EQ(spec.mounts[1].destination, "/run/x");
  EXPECT_EQ(spec.mounts[1].flags, static_cast<std::uint64_t>(MS_NOSUID));
  EXPECT_EQ(spec.mounts[1].data, std::vector<std::string>{"size=64k"});
  EXPECT_EQ(spec.mounts[2].type, "bind");
  EXPECT_TRUE(spec.mounts[2].recursive);
  EXPECT_EQ(spec.mounts[2].flags, static_cast<std::uint64_t>(MS_RDONLY));
  EXPECT_EQ(spec.hooks.prestart[0].timeout, 3);
  EXPECT_EQ(spec.linux_.resources.pids_limit, 12);
  EXPECT_EQ(spec.linux_.resources.block_io.read_bps[0].rate, 600u);
  EXPECT_EQ(find_namespace(spec, NamespaceType::kNetwork)->path, "/proc/self/ns/net");
  EXPECT_EQ(find_namespace(spec, NamespaceType::kIpc), nullptr);
  EXPECT_TRUE(spec.warnings.empty());
}

TEST(ParseSpec, NullsCountAsAbsent) {
  json document = good();
  document["hooks"] = nullptr;
  document["linux"]["resources"]["memory"]["limit"] = nullptr;
  EXPECT_FALSE(parse_spec(document).linux_.resources.memory.limit.has_value());
}

TEST(ParseSpec, WarnsOnceAboutWhatTheSandboxReplaces) {
  json document = good();
  document["process"]["apparmorProfile"] = "docker-default";
  document["process"]["capabilities"]["bounding"].push_back("CAP_FLY");
  document["process"]["capabilities"]["permitted"].push_back("CAP_FLY");
  EXPECT_EQ(parse_spec(document).warnings.size(), 2u);
}

struct Broken {
  const char* name;
  const char* pointer;  // RFC 6901
  const char* value;    // JSON; null pointer: remove
  const char* reason;
};

class BrokenSpec : public testing::TestWithParam<Broken> {};

TEST_P(BrokenSpec, GivesOneLineThatNamesTheField) {
  json document = good();
  const json::json_pointer pointer(GetParam().pointer);
  if (GetParam().value == nullptr) {
    document.at(pointer.parent_pointer()).erase(pointer.back());
  } else {
    document[pointer] = json::parse(GetParam().value);
  }
  try {
    parse_spec(document);
    FAIL() << "was accepted";
  } catch (const UserError& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.rfind("config.json: ", 0), 0u) << text;
    EXPECT_NE(text.find(GetParam().reason), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, BrokenSpec,
    testing::Values(
        Broken{"NotAnObject", "", "[]", "config.json: must be an object, not an array"},
        Broken{"NoVersion", "/ociVersion", nullptr, "ociVersion: is missing"},
        Broken{"OldVersion", "/ociVersion", "\"0.9\"", "version \"0.9\" is not supported"},
        Broken{"VersionNumber", "/ociVersion", "1", "ociVersion: must be a string, not a number"},
        Broken{"NoProcess", "/process", nullptr, "process: is missing"},
        Broken{"ProcessIsArray", "/process", "[]", "process: must be an object, not an array"},
        Broken{"NoArgs", "/process/args", nullptr, "process.args: is missing"},
        Broken{"EmptyArgs", "/process/args", "[]", "process.args: must not be empty"},
        Broken{"EmptyProgram", "/process/args", "[\"\"]", "name is empty"},
        Broken{"ArgsOfNumbers", "/process/args", "[1]", "process.args[0]: must be a string"},
        Broken{"ArgsString", "/process/args", "\"sh\"", "process.args: must be an array, not a string"},
        Broken{"NulInArgs", "/process/args", R"(["a\u0000b"])", "holds a NUL byte"},
        Broken{"NoCwd", "/process/cwd", nullptr, "process.cwd: is missing"},
        Broken{"RelativeCwd", "/process/cwd", "\"tmp\"", "process.cwd: \"tmp\" is not absolute"},
        Broken{"BadEnv", "/process/env", "[\"PATH\"]", "process.env[0]: \"PATH\" is not of the form"},
        Broken{"EnvWithoutName", "/process/env", "[\"=x\"]", "process.env[0]"},
        Broken{"NegativeUid", "/process/user/uid", "-1", "process.user.uid: -1 is out of range"},
        Broken{"HugeGid", "/process/user/gid", "4294967295", "not a valid id"},
        Broken{"UidString", "/process/user/uid", "\"root\"", "process.user.uid: must be a number"},
        Broken{"FractionalUid", "/process/user/uid", "1.5", "must be a whole number"},
        Broken{"WideUmask", "/process/user/umask", "4096", "process.user.umask"},
        Broken{"UnknownRlimit", "/process/rlimits/0/type", "\"RLIMIT_X\"", "unknown resource \"RLIMIT_X\""},
        Broken{"SoftAboveHard", "/process/rlimits/0/soft", "30", "soft limit is above"},
        Broken{"RlimitTwice", "/process/rlimits/1", R"({"type":"RLIMIT_NOFILE","soft":1,"hard":1})", "listed twice"},
        Broken{"EffectiveNotPermitted", "/process/capabilities/effective", "[\"CAP_BPF\"]", "permitted has not"},
        Broken{"CapabilitiesList", "/process/capabilities", "[]", "process.capabilities: must be an object"},
        Broken{"SelinuxLabel", "/process/selinuxLabel", "\"u:r:t\"", "SELinux labels are not supported"},
        Broken{"OomScore", "/process/oomScoreAdj", "1001", "not within -1000..1000"},
        Broken{"SchedulerPolicy", "/process/scheduler/policy", "\"SCHED_DEADLINE\"",
               "\"SCHED_DEADLINE\" is not supported"},
        Broken{"SchedulerNice", "/process/scheduler/nice", "20", "not within -20..19"},
        Broken{"SchedulerPriority", "/process/scheduler/priority", "5", "for SCHED_FIFO and SCHED_RR only"},
        Broken{"SchedulerNoPriority", "/process/scheduler/policy", "\"SCHED_RR\"", "need a priority"},
        Broken{"SchedulerFlag", "/process/scheduler/flags/0", "\"SCHED_FLAG_X\"", "\"SCHED_FLAG_X\" is not supported"},
        Broken{"SchedulerPeriod", "/process/scheduler/period", "5", "for SCHED_DEADLINE only"},
        Broken{"IoPriorityClass", "/process/ioPriority/class", "\"RT\"", "\"RT\" is not supported"},
        Broken{"IoPriorityLevel", "/process/ioPriority/priority", "8", "not within 0..7"},
        Broken{"TerminalNumber", "/process/terminal", "1", "process.terminal: must be a boolean"},
        Broken{"NoRoot", "/root", nullptr, "root: is missing"},
        Broken{"NoRootPath", "/root/path", nullptr, "root.path: is missing"},
        Broken{"EmptyRootPath", "/root/path", "\"\"", "root.path: is empty"},
        Broken{"LongHostname", "/hostname", "\"0123456789012345678901234567890123456789012345678901234567890123456\"",
               "hostname: is longer"},
        Broken{"UnknownMountType", "/mounts/0/type", "\"ext9\"", "mounts[0].type: unknown mount type \"ext9\""},
        Broken{"NoMountType", "/mounts/0/type", nullptr, "mounts[0].type: is missing"},
        Broken{"NoDestination", "/mounts/0/destination", nullptr, "mounts[0].destination: is missing"},
        Broken{"MountOverRoot", "/mounts/0/destination", "\"/x/..\"", "over the root"},
        Broken{"BindWithoutSource", "/mounts/2/source", nullptr, "without a source"},
        Broken{"BindWithData", "/mounts/2/options", "[\"size=1\", \"bind\"]", "unknown mount option \"size=1\""},
        Broken{"IdmapOption", "/mounts/2/options/0", "\"idmap\"", "not supported"},
        Broken{"MountsObject", "/mounts", "{}", "mounts: must be an array"},
        Broken{"HookRelative", "/hooks/prestart/0/path", "\"true\"", "hooks.prestart[0].path"},
        Broken{"HookTimeout", "/hooks/prestart/0/timeout", "0", "not within 1..1000000"},
        Broken{"AnnotationNumber", "/annotations/a", "1", "annotations.a: must be a string"},
        Broken{"DuplicateNamespace", "/linux/namespaces/2", R"({"type":"pid"})", "listed twice"},
        Broken{"UnknownNamespace", "/linux/namespaces/2", R"({"type":"dream"})", "unknown namespace type"},
        Broken{"RelativeNamespace", "/linux/namespaces/1/path", "\"ns\"", "not absolute"},
        Broken{"MappingWithoutNamespace", "/linux/uidMappings", R"([{"containerID":0,"hostID":0,"size":1}])",
               "without a user namespace"},
        Broken{"NamespaceWithoutMapping", "/linux/namespaces/2", R"({"type":"user"})", "needs uidMappings"},
        Broken{"EmptyMapping", "/linux/uidMappings", R"([{"containerID":0,"hostID":0,"size":0}])", "size is zero"},
        Broken{"OverlappingMapping", "/linux/uidMappings",
               R"([{"containerID":0,"hostID":0,"size":5},{"containerID":4,"hostID":9,"size":1}])", "overlaps"},
        Broken{"MappingPastEnd", "/linux/gidMappings", R"([{"containerID":1,"hostID":0,"size":4294967295}])",
               "passes the last id"},
        Broken{"SysctlNumber", "/linux/sysctl/net.ipv4.ip_forward", "1", "must be a string"},
        Broken{"RelativeMaskedPath", "/linux/maskedPaths/0", "\"proc\"", "linux.maskedPaths[0]"},
        Broken{"Propagation", "/linux/rootfsPropagation", "\"wild\"", "unknown propagation"},
        Broken{"IntelRdt", "/linux/intelRdt", "{}", "Intel RDT is not supported"},
        Broken{"MountLabel", "/linux/mountLabel", "\"x\"", "SELinux"},
        Broken{"PidsString", "/linux/resources/pids/limit", "\"many\"", "linux.resources.pids.limit: must be a number"},
        Broken{"DeviceAccess", "/linux/resources/devices/0/access", "\"x\"", "r, w and m"},
        Broken{"DeviceType", "/linux/devices", R"([{"path":"/dev/x","type":"z"}])", "unknown device type"},
        Broken{"MemoryHuge", "/linux/resources/memory/limit", "18446744073709551615", "out of range"},
        Broken{"UnifiedPath", "/linux/resources/unified", R"({"../x":"1"})", "slash"},
        Broken{"Windows", "/windows", "{}", "not supported by this runtime"}),
    [](const auto& info) { return info.param.name; });

class Bundle : public testing::Test {
 protected:
  Bundle() {
    char name[] = "/tmp/runsc-bundle-XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Bundle() override { std::filesystem::remove_all(path_); }
  void write(const std::string& text) { std::ofstream(path_ + "/config.json") << text; }
  std::string error() {
    try {
      load_bundle(path_);
      return "";
    } catch (const UserError& error) {
      return error.what();
    }
  }
  std::string path_;
};

TEST_F(Bundle, Good) {
  std::filesystem::create_directory(path_ + "/rootfs");
  write(good().dump());
  EXPECT_EQ(error(), "");
  EXPECT_EQ(load_bundle(path_).root.path, path_ + "/rootfs");
}

TEST_F(Bundle, WithoutConfiguration) { EXPECT_EQ(error(), "config.json: no such file or directory"); }

TEST_F(Bundle, ThatDoesNotExist) {
  const std::string path = path_;
  path_ += "/none";
  EXPECT_EQ(error(), "bundle \"" + path_ + "\": no such file or directory");
  path_ = path;
}

TEST_F(Bundle, WithTruncatedJson) {
  write("{\"ociVersion\":");
  EXPECT_EQ(error().rfind("config.json: parse error at line 1", 0), 0u) << error();
}

TEST_F(Bundle, WithEmptyFile) {
  write("");
  EXPECT_EQ(error().rfind("config.json: parse error", 0), 0u) << error();
}

TEST_F(Bundle, WithInvalidUtf8) {
  write("{\"a\":\"\xff\"}");
  EXPECT_EQ(error().rfind("config.json: parse error", 0), 0u) << error();
  EXPECT_EQ(error().find('\n'), std::string::npos);
}

TEST_F(Bundle, WhoseConfigurationIsAFifo) {
  ASSERT_EQ(::mkfifo((path_ + "/config.json").c_str(), 0600), 0);
  EXPECT_EQ(error(), "config.json: not a regular file");
}

TEST_F(Bundle, WithoutRoot) {
  write(good().dump());
  EXPECT_EQ(error(), "config.json: root.path: \"rootfs\": no such file or directory");
}

TEST_F(Bundle, WhoseRootIsAFile) {
  write(good().dump());
  std::ofstream(path_ + "/rootfs") << "x";
  EXPECT_EQ(error(), "config.json: root.path: \"rootfs\" is not a directory");
}

TEST_F(Bundle, WhoseBindSourceIsMissing) {
  std::filesystem::create_directory(path_ + "/rootfs");
  json document = good();
  document["mounts"][2]["source"] = "nowhere";
  write(document.dump());
  EXPECT_EQ(error(), "config.json: mounts[2].source: \"nowhere\": no such file or directory");
}

TEST_F(Bundle, WhoseNamespaceIsMissing) {
  std::filesystem::create_directory(path_ + "/rootfs");
  json document = good();
  document["linux"]["namespaces"][1]["path"] = "/nowhere";
  write(document.dump());
  EXPECT_EQ(error(), "config.json: linux.namespaces[1].path: \"/nowhere\": no such file or directory");
}

TEST(CleanPath, IsPurelyTextual) {
  EXPECT_EQ(clean_path("/"), "/");
  EXPECT_EQ(clean_path("/a//b/./c/.."), "/a/b");
  EXPECT_EQ(clean_path("/../.."), "/");
  EXPECT_EQ(clean_path("/a/"), "/a");
}

}  // namespace
}  // namespace runsc::oci
