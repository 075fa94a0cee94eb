#include "runsc/oci/default_spec.h"

#include <unistd.h>

namespace runsc::oci {
namespace {

using Json = nlohmann::ordered_json;

// Filled by parts: initialiser lists of this library tell objects from arrays by their content.
Json process() {
  const Json capabilities = Json::parse(R"(["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"])");
  Json out = Json::parse(R"({
    "terminal": true,
    "user": {"uid": 0, "gid": 0},
    "args": ["sh"],
    "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
    "cwd": "/",
    "capabilities": {},
    "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
    "noNewPrivileges": true
  })");
  for (const char* set : {"bounding", "effective", "permitted"}) out["capabilities"][set] = capabilities;
  return out;
}

Json mounts() {
  return Json::parse(R"([
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
     "options": ["nosuid", "strictatime", "mode=755", "size=65536k"]},
    {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
     "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"]},
    {"destination": "/dev/shm", "type": "tmpfs", "source": "shm",
     "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]},
    {"destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue", "options": ["nosuid", "noexec", "nodev"]},
    {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup",
     "options": ["nosuid", "noexec", "nodev", "relatime", "ro"]}
  ])");
}

Json linux_section() {
  return Json::parse(R"({
    "resources": {"devices": [{"allow": false, "access": "rwm"}]},
    "namespaces": [{"type": "pid"}, {"type": "network"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"},
                   {"type": "cgroup"}],
    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
                    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
  })");
}

Json mapping(std::uint32_t host) {
  Json entry;
  entry["containerID"] = 0;
  entry["hostID"] = host;
  entry["size"] = 1;
  return Json::array({entry});
}

// A user without rights has no cgroup, no network namespace to give away, and one id.
void make_rootless(Json& spec) {
  Json& section = spec["linux"];
  section.erase("resources");
  section["namespaces"] = Json::parse(
      R"([{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}, {"type": "cgroup"}, {"type": "user"}])");
  section["uidMappings"] = mapping(::geteuid());
  section["gidMappings"] = mapping(::getegid());
  for (Json& mount : spec["mounts"]) {
    if (mount["destination"] == "/dev/pts") mount["options"].erase(5);  // gid=5 is not mapped
    if (mount["destination"] != "/sys") continue;
    mount["type"] = "none";
    mount["source"] = "/sys";
    mount["options"] = Json::parse(R"(["rbind", "nosuid", "noexec", "nodev", "ro"])");
  }
}

}  // namespace

Json default_spec(bool rootless) {
  Json spec;
  spec["ociVersion"] = "1.2.0";
  spec["process"] = process();
  spec["root"] = Json::parse(R"({"path": "rootfs", "readonly": true})");
  spec["hostname"] = "runsc";
  spec["mounts"] = mounts();
  spec["linux"] = linux_section();
  if (rootless) make_rootless(spec);
  return spec;
}

}  // namespace runsc::oci
