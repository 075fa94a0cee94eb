// What the front end tells the boot process about one container: the OCI configuration, validated and resolved, as
// plain data. It crosses the process boundary as JSON in a sealed memfd (container_config_json.h).
//
// The boot process treats it as input to check: the front end is trusted, but what it passes on (strings, sizes,
// numbers) was written by the bundle's author.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "boot/loader/process_config.h"

namespace runsc {

enum class MountType {
  kGofer,  // host files, served by a gofer over the connection `connection`
  kTmpfs,
  kDev,  // a tmpfs holding the default devices (null zero full random urandom tty console ptmx), links (fd stdin ..),
         // pts/ and shm/; `data` as for tmpfs
  kProc,
  kSysfs,
  kDevpts,
  kMqueue,
  kCgroup,  // version 1: one directory for each controller
  kCgroup2,
};

// What lies over a gofer mount, so that the host's files are not written.
enum class OverlayKind {
  kNone,    // writes reach the host
  kMemory,  // an upper layer in the sandbox's memory
  kSelf,    // an upper layer in an unnamed file of the lower directory's own file system: BootOptions::overlay_stores
  kDir,     // the same, in a directory named by the user
};

enum class FileAccess {
  kExclusive,  // nobody else changes these files while the container runs: attributes and entries are cached for good
  kShared,     // cached entries are revalidated
};

struct ContainerMount {
  std::string destination;  // absolute, clean (no "." or ".." or repeated slash)
  MountType type = MountType::kTmpfs;
  std::string source;             // as it shall appear in /proc/mounts; never opened
  std::uint64_t flags = 0;        // MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_NOATIME, ..: mount(2), no MS_BIND
  std::vector<std::string> data;  // "size=65536k", "mode=755", "gid=5", "ptmxmode=0666", ..: as written by the author
  // kGofer only.
  int connection = -1;  // index in BootOptions::gofer_connections
  FileAccess file_access = FileAccess::kShared;
  OverlayKind overlay = OverlayKind::kNone;
  int overlay_store = -1;  // kSelf, kDir: index in BootOptions::overlay_stores
  friend bool operator==(const ContainerMount&, const ContainerMount&) = default;
};

enum class NetworkMode {
  kNone,  // the sandbox has a loopback of its own and nothing else
  kHost,  // AF_INET and AF_INET6 sockets are sockets of the host network namespace that the boot process is in
};

// linux.devices of the OCI configuration. What opening it gives is the kernel's decision: it knows few devices.
struct ContainerDevice {
  std::string path;        // absolute
  std::uint32_t mode = 0;  // type (S_IFCHR, S_IFBLK, S_IFIFO) and permissions
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t uid = 0;  // of the container's user namespace
  std::uint32_t gid = 0;
  friend bool operator==(const ContainerDevice&, const ContainerDevice&) = default;
};

// One range of a user namespace: container ids from `container`, host ids from `host`, `size` of them.
struct IdMapping {
  std::uint32_t container = 0;
  std::uint32_t host = 0;
  std::uint32_t size = 0;
  friend bool operator==(const IdMapping&, const IdMapping&) = default;
};

// startContainer of the OCI configuration: a program of the container's that runs inside it just before its first
// process.
struct ContainerHook {
  std::string path;               // absolute, inside the container
  std::vector<std::string> args;  // argv; empty: the path alone
  std::vector<std::string> env;
  std::optional<int> timeout;  // seconds
  friend bool operator==(const ContainerHook&, const ContainerHook&) = default;
};

// Containers of the same sandbox whose namespaces this one joins, by their ids; empty: it has its own. Every container
// of a sandbox has the sandbox's network.
struct NamespaceSharing {
  std::string pid;
  std::string ipc;
  std::string uts;
  std::string net;
  friend bool operator==(const NamespaceSharing&, const NamespaceSharing&) = default;
};

// The inherited part is the first process.
struct ContainerConfig : ProcessConfig {
  std::string id;

  std::string hostname;
  std::string domainname;

  // In the order in which they are mounted; the first has the destination "/".
  std::vector<ContainerMount> mounts;
  std::vector<ContainerDevice> devices;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::map<std::string, std::string> sysctls;  // "net.ipv4.ip_forward" -> "1"
  // The container has a user namespace: the ids above and those of the files are ids inside it.
  bool user_namespace = false;
  std::vector<IdMapping> uid_mappings;
  std::vector<IdMapping> gid_mappings;

  // The seccomp filter of all its processes, as the kernel takes it: instructions of eight bytes (struct sock_filter)
  // in the order of their bytes; empty: none.
  std::vector<std::uint64_t> seccomp_filter;
  bool seccomp_log = false;  // SECCOMP_FILTER_FLAG_LOG

  NamespaceSharing share;
  std::vector<ContainerHook> start_container_hooks;
  std::string hook_state;  // what they read: the OCI state of the container, in JSON

  std::map<std::string, std::string> annotations;

  // Limits that the application kernel keeps itself.
  std::optional<std::int64_t> pids_limit;    // tasks; absent: none
  std::optional<std::int64_t> memory_limit;  // bytes, shown in /proc/meminfo; absent: none

  // Limits that the host's cgroup keeps, and that are shown in /sys/fs/cgroup.
  std::optional<std::int64_t> cpu_quota;  // microseconds in every cpu_period; absent: none
  std::optional<std::int64_t> cpu_period;
  std::optional<std::int64_t> cpu_shares;
  std::optional<std::int64_t> memory_swap;  // bytes of memory and swap together
  std::optional<std::int64_t> memory_reservation;
  // The host's processors that are online, one bit each; 0: not known. Those that the container may use are fewer: the
  // host's scheduler knows which.
  std::uint64_t host_processors = 0;

  NetworkMode network = NetworkMode::kNone;
  bool strace = false;
  bool debug = false;

  friend bool operator==(const ContainerConfig&, const ContainerConfig&) = default;
};

}  // namespace runsc
