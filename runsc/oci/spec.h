// The OCI runtime configuration (config.json, runtime-spec 1.2) as validated structures. Field names and nesting are
// the specification's; see parse.h for how they come to be, and for the rules that hold afterwards.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "boot/loader/container_config.h"

namespace runsc::oci {

struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> umask;
  std::vector<std::uint32_t> additional_gids;
};

// In the numbers of sched_setattr(2).
struct Scheduler {
  int policy = 0;  // all but SCHED_DEADLINE
  int nice = 0;
  int priority = 0;
  std::uint64_t flags = 0;
};

struct Process {
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  User user;
  std::vector<std::string> args;  // not empty, args[0] not empty
  std::vector<std::string> env;   // each holds a '=' that is not its first byte
  std::string cwd;                // absolute
  ContainerCapabilities capabilities;
  std::vector<ContainerRlimit> rlimits;  // no resource twice, soft <= hard
  bool no_new_privileges = false;
  std::optional<int> oom_score_adj;  // -1000..1000
  std::optional<Scheduler> scheduler;
  std::optional<int> io_priority;  // as ioprio_set(2) takes it: class << 13 | level
  std::string apparmor_profile;
  std::string selinux_label;
};

struct Root {
  std::string path;  // as written; relative to the bundle unless absolute
  bool readonly = false;
};

// A mount with its options sorted out.
struct Mount {
  std::string destination;  // absolute and clean
  std::string type;         // "bind" also where only the options say so
  std::string source;
  std::uint64_t flags = 0;          // MS_* of mount(2), without MS_BIND, MS_REC and the propagation flags
  bool recursive = false;           // rbind
  bool recursive_readonly = false;  // rro
  std::vector<std::string> data;    // what is left: "size=64k", "mode=755"
};

struct Hook {
  std::string path;  // absolute
  std::vector<std::string> args;
  std::vector<std::string> env;
  int timeout = 0;  // seconds; 0: none
};

struct Hooks {
  std::vector<Hook> prestart;
  std::vector<Hook> create_runtime;
  std::vector<Hook> create_container;
  std::vector<Hook> start_container;  // run inside
  std::vector<Hook> poststart;
  std::vector<Hook> poststop;
};

enum class NamespaceType { kPid, kNetwork, kMount, kIpc, kUts, kUser, kCgroup, kTime };

struct Namespace {
  NamespaceType type = NamespaceType::kPid;
  std::string path;  // absolute; empty: a new one
};

struct Device {
  std::string path;  // absolute
  std::string type;  // c, b, u, p
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::optional<std::uint32_t> file_mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

struct DeviceRule {
  bool allow = false;
  std::string type;  // a, c, b; empty counts as a
  std::optional<std::int64_t> major;
  std::optional<std::int64_t> minor;
  std::string access;  // out of r, w, m
};

struct MemoryResources {
  std::optional<std::int64_t> limit;  // bytes; -1: unlimited
  std::optional<std::int64_t> reservation;
  std::optional<std::int64_t> swap;
  std::optional<std::uint64_t> swappiness;
  bool disable_oom_killer = false;
  bool check_before_update = false;  // refuse a limit below what is in use
};

struct CpuResources {
  std::optional<std::uint64_t> shares;
  std::optional<std::int64_t> quota;  // microseconds in each period; <= 0: unlimited
  std::optional<std::uint64_t> burst;
  std::optional<std::uint64_t> period;
  std::optional<std::int64_t> idle;
  std::optional<std::int64_t> realtime_runtime;  // microseconds in each realtime_period
  std::optional<std::uint64_t> realtime_period;
  std::string cpus;
  std::string mems;
};

struct WeightDevice {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::optional<std::uint16_t> weight;
  std::optional<std::uint16_t> leaf_weight;
};

struct ThrottleDevice {
  std::int64_t major = 0;
  std::int64_t minor = 0;
  std::uint64_t rate = 0;
};

struct BlockIoResources {
  std::optional<std::uint16_t> weight;  // 10..1000; 0: not set
  std::optional<std::uint16_t> leaf_weight;
  std::vector<WeightDevice> weight_devices;
  std::vector<ThrottleDevice> read_bps, write_bps, read_iops, write_iops;
};

struct HugepageLimit {
  std::string page_size;
  std::uint64_t limit = 0;
};

struct InterfacePriority {
  std::string name;
  std::uint32_t priority = 0;
};

struct NetworkResources {
  std::optional<std::uint32_t> class_id;
  std::vector<InterfacePriority> priorities;
};

// A number that is absent and one that is 0 mean the same, as to runc: left as it is.
struct Resources {
  std::vector<DeviceRule> devices;
  MemoryResources memory;
  CpuResources cpu;
  std::optional<std::int64_t> pids_limit;  // <= 0: unlimited
  BlockIoResources block_io;
  std::vector<HugepageLimit> hugepage_limits;
  NetworkResources network;
  std::map<std::string, std::string> unified;
};

// How an argument of a system call is compared (the specification's SCMP_CMP_*).
struct SeccompArgument {
  std::uint32_t index = 0;      // 0..5
  std::string op;               // "SCMP_CMP_EQ", ..
  std::uint64_t value = 0;      // SCMP_CMP_MASKED_EQ: the mask
  std::uint64_t value_two = 0;  // SCMP_CMP_MASKED_EQ: the value
};

struct SeccompRule {
  std::vector<std::string> names;  // of system calls
  std::string action;              // "SCMP_ACT_ALLOW", ..
  std::optional<std::uint32_t> errno_ret;
  std::vector<SeccompArgument> args;
};

struct Seccomp {
  std::string default_action;
  std::optional<std::uint32_t> default_errno_ret;
  bool log = false;  // SECCOMP_FILTER_FLAG_LOG
  std::vector<SeccompRule> rules;
};

struct Linux {
  std::vector<Namespace> namespaces;    // no type twice
  std::vector<IdMapping> uid_mappings;  // not empty only with a user namespace
  std::vector<IdMapping> gid_mappings;
  std::vector<Device> devices;
  Resources resources;
  std::string resources_text;  // the same, as JSON; empty: none
  std::string cgroups_path;
  std::map<std::string, std::string> sysctl;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
  std::string rootfs_propagation;
  std::string mount_label;
  bool has_seccomp = false;
  std::optional<Seccomp> seccomp;  // only where it is asked for: load_seccomp()
};

struct Spec {
  std::string oci_version;
  Process process;
  Root root;
  std::string hostname;
  std::string domainname;
  std::vector<Mount> mounts;
  Hooks hooks;
  std::map<std::string, std::string> annotations;
  Linux linux_;  // the specification's "linux", which is a macro of some compilers

  // What the configuration asks for and this runtime does not do, one line each, to be logged once.
  std::vector<std::string> warnings;
};

// The first namespace of that type; null: none.
const Namespace* find_namespace(const Spec& spec, NamespaceType type);

}  // namespace runsc::oci
