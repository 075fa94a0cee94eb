#include "sandbox/plan.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/cgroup_stats.h"
#include "sandbox/process_fields.h"
#include "sandbox/seccomp_profile.h"

namespace runsc {
namespace {

// Names by which /proc/mounts knows the gofer's mounts; host paths are none of the application's business.
// Not "rootfs": df of busybox leaves that out.
constexpr const char kRootSource[] = "none";
constexpr const char kBindSource[] = "bind";

std::map<std::string, MountType> type_names() {
  return {{"tmpfs", MountType::kTmpfs},    {"proc", MountType::kProc},     {"sysfs", MountType::kSysfs},
          {"devpts", MountType::kDevpts},  {"mqueue", MountType::kMqueue}, {"cgroup", MountType::kCgroup},
          {"cgroup2", MountType::kCgroup2}};
}

// The host's own /proc, /sys and /dev are never served: where a bundle binds them (as `spec --rootless` does with
// /sys), the container gets the sandbox's.
std::optional<MountType> virtual_type(const std::string& source) {
  if (source == "/proc") return MountType::kProc;
  if (source == "/sys") return MountType::kSysfs;
  if (source == "/dev") return MountType::kDev;
  if (source == "/dev/pts") return MountType::kDevpts;
  return std::nullopt;
}

// Something was mounted right there. The host's own root is nobody's container.
bool is_mount(const std::string& path) {
  struct statx status {};
  return ::statx(AT_FDCWD, path.c_str(), 0, STATX_BASIC_STATS, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 && path != "/";
}

std::optional<std::int64_t> in_64_bits(const std::optional<std::uint64_t>& value) {
  return value ? std::optional(static_cast<std::int64_t>(std::min<std::uint64_t>(*value, INT64_MAX))) : std::nullopt;
}

// A set of those that are online: the sandbox sees no file of the host that tells.
std::uint64_t host_processors() {
  std::ifstream file("/sys/devices/system/cpu/online");
  std::string list;
  std::getline(file, list);
  std::uint64_t out = 0;
  for (const std::uint16_t number : parse_number_list(list))
    if (number < 64) out |= std::uint64_t{1} << number;
  return out;
}

// Whose mounts of type "cgroup" are what runc makes of them: on a host of version 2 they are of version 2.
bool host_has_version_2() {
  struct statfs host {};
  return ::statfs("/sys/fs/cgroup", &host) == 0 && host.f_type == CGROUP2_SUPER_MAGIC;
}

class Planner {
 public:
  Planner(const oci::Spec& spec, const RuntimeOptions& options)
      : spec_(spec), options_(options), mounted_root_(is_mount(spec.root.path)) {}

  ContainerPlan run(const std::string& id) {
    refuse_namespaces();
    plan_.config.id = id;
    plan_process();
    plan_mounts();
    plan_linux();
    plan_.config.network = options_.network;
    plan_.config.strace = options_.strace;
    plan_.config.debug = options_.debug;
    return std::move(plan_);
  }

 private:
  // A sandbox has its own of these, so the host's cannot be entered.
  void refuse_namespaces() const {
    using enum oci::NamespaceType;
    for (const oci::Namespace& ns : spec_.linux_.namespaces) {
      if (ns.path.empty()) continue;
      if (ns.type == kUser || ns.type == kMount || ns.type == kTime) {
        throw UserError("config.json: linux.namespaces: joining \"" + ns.path + "\" is not supported");
      }
    }
  }

  void plan_process() {
    ContainerConfig& config = plan_.config;
    copy_process_fields(spec_.process, config);
    plan_names();
    config.annotations = spec_.annotations;
    for (const oci::Hook& hook : spec_.hooks.start_container) plan_hook(hook);
  }

  // A UTS namespace, if there is one, begins with the names of the host's.
  void plan_names() {
    struct utsname host {};
    if (::uname(&host) != 0) throw_system_error("uname");
    plan_.config.hostname = spec_.hostname.empty() ? host.nodename : spec_.hostname;
    plan_.config.domainname = spec_.domainname.empty() ? host.domainname : spec_.domainname;
  }

  void plan_device(const oci::Device& from) {
    const bool block = from.type == "b";
    const std::uint32_t type = block ? S_IFBLK : from.type == "p" ? S_IFIFO : S_IFCHR;
    const bool numbered = type != S_IFIFO;
    plan_.config.devices.push_back({.path = from.path,
                                    .mode = type | (from.file_mode.value_or(0666) & 07777),
                                    .major = numbered ? static_cast<std::uint32_t>(from.major) : 0,
                                    .minor = numbered ? static_cast<std::uint32_t>(from.minor) : 0,
                                    .uid = from.uid.value_or(0),
                                    .gid = from.gid.value_or(0)});
  }

  void plan_hook(const oci::Hook& hook) {
    ContainerHook out{.path = hook.path, .args = hook.args, .env = hook.env, .timeout = std::nullopt};
    if (hook.timeout > 0) out.timeout = hook.timeout;
    plan_.config.start_container_hooks.push_back(std::move(out));
  }

  void add_overlay(ContainerMount& mount, const std::string& source) {
    mount.overlay = options_.overlay.kind;
    if (mount.overlay == OverlayKind::kNone || mount.overlay == OverlayKind::kMemory) return;
    mount.overlay_store = static_cast<int>(plan_.overlay_directories.size());
    plan_.overlay_directories.push_back(mount.overlay == OverlayKind::kDir ? options_.overlay.directory : source);
  }

  ContainerMount gofer_mount(const std::string& destination, const std::string& source, std::uint64_t flags,
                             bool recursive, bool overlaid) {
    ContainerMount mount;
    mount.destination = destination;
    mount.type = MountType::kGofer;
    mount.flags = flags;
    mount.connection = static_cast<int>(plan_.gofer_mounts.size());
    const bool read_only = (flags & MS_RDONLY) != 0;
    if (overlaid && !read_only) add_overlay(mount, source);
    plan_.gofer_mounts.push_back({source, recursive, read_only || mount.overlay != OverlayKind::kNone});
    return mount;
  }

  // The kernel makes what is missing before it makes the root read-only.
  bool lacks_mount_point() const {
    return std::any_of(spec_.mounts.begin(), spec_.mounts.end(), [&](const oci::Mount& mount) {
      struct stat status {};
      return ::lstat((spec_.root.path + mount.destination).c_str(), &status) != 0;
    });
  }

  void plan_root() {
    const bool overlaid = !(options_.overlay.unless_mounted && mounted_root_);
    ContainerMount root = gofer_mount("/", spec_.root.path, spec_.root.readonly ? MS_RDONLY : 0, true, overlaid);
    if (spec_.root.readonly && lacks_mount_point()) {
      // In memory if the image is not to be written, as runc makes them otherwise.
      if (options_.overlay.kind == OverlayKind::kNone) {
        plan_.gofer_mounts[0].read_only = false;
      } else {
        root.overlay = OverlayKind::kMemory;
      }
    }
    root.source = kRootSource;
    const bool shared = mounted_root_ && root.overlay == OverlayKind::kNone;
    root.file_access = options_.file_access.value_or(shared ? FileAccess::kShared : FileAccess::kExclusive);
    plan_.config.mounts.push_back(root);
  }

  ContainerMount plan_bind(const oci::Mount& from) {
    if (const auto type = virtual_type(from.source)) {
      return {.destination = from.destination, .type = *type, .source = from.source, .flags = from.flags, .data = {}};
    }
    ContainerMount mount =
        gofer_mount(from.destination, from.source, from.flags, from.recursive, options_.overlay.all_gofer_mounts);
    mount.source = kBindSource;
    mount.file_access = FileAccess::kShared;
    return mount;
  }

  ContainerMount plan_mount(const oci::Mount& from) {
    if (from.type == "bind") return plan_bind(from);
    ContainerMount mount{.destination = from.destination,
                         .type = type_names().at(from.type),
                         .source = from.source.empty() ? from.type : from.source,
                         .flags = from.flags,
                         .data = from.data};
    if (mount.type == MountType::kCgroup && host_has_version_2()) mount.type = MountType::kCgroup2;
    if (mount.type == MountType::kTmpfs && mount.destination == "/dev") mount.type = MountType::kDev;
    return mount;
  }

  void plan_mounts() {
    plan_root();
    const auto covers_dev = [](const oci::Mount& mount) { return mount.destination == "/dev"; };
    if (std::none_of(spec_.mounts.begin(), spec_.mounts.end(), covers_dev)) add_default_dev();
    for (const oci::Mount& mount : spec_.mounts) plan_.config.mounts.push_back(plan_mount(mount));
  }

  // Without a mount on /dev, runc makes device nodes in the image. Those of the image are never opened here, so the
  // default ones come in a mount of their own, before whatever is mounted below it.
  void add_default_dev() {
    plan_.config.mounts.push_back({.destination = "/dev",
                                   .type = MountType::kDev,
                                   .source = "tmpfs",
                                   .flags = MS_NOSUID | MS_STRICTATIME,
                                   .data = {"mode=755", "size=65536k"}});
  }

  void plan_linux() {
    const oci::Linux& from = spec_.linux_;
    ContainerConfig& config = plan_.config;
    config.masked_paths = from.masked_paths;
    config.readonly_paths = from.readonly_paths;
    config.sysctls = from.sysctl;
    for (const oci::Device& device : from.devices) plan_device(device);
    if (from.seccomp) {
      config.seccomp_filter = compile_seccomp(*from.seccomp);
      config.seccomp_log = from.seccomp->log;
    }
    config.user_namespace = oci::find_namespace(spec_, oci::NamespaceType::kUser) != nullptr;
    config.uid_mappings = from.uid_mappings;
    config.gid_mappings = from.gid_mappings;
    const oci::Resources& resources = from.resources;
    if (resources.pids_limit.value_or(0) > 0) config.pids_limit = resources.pids_limit;
    if (resources.memory.limit.value_or(0) > 0) config.memory_limit = resources.memory.limit;
    config.cpu_quota = resources.cpu.quota;
    config.cpu_period = in_64_bits(resources.cpu.period);
    config.cpu_shares = in_64_bits(resources.cpu.shares);
    config.memory_swap = resources.memory.swap;
    config.memory_reservation = resources.memory.reservation;
    config.host_processors = host_processors();
  }

  const oci::Spec& spec_;
  const RuntimeOptions& options_;
  const bool mounted_root_;
  ContainerPlan plan_;
};

}  // namespace

ContainerPlan plan_container(const std::string& id, const oci::Spec& spec, const RuntimeOptions& options) {
  return Planner(spec, options).run(id);
}

}  // namespace runsc
