#include "boot/loader/container_config_json.h"

#include <sys/stat.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

namespace runsc {

using nlohmann::json;

NLOHMANN_JSON_SERIALIZE_ENUM(MountType, {{MountType::kGofer, "gofer"},
                                         {MountType::kTmpfs, "tmpfs"},
                                         {MountType::kDev, "dev"},
                                         {MountType::kProc, "proc"},
                                         {MountType::kSysfs, "sysfs"},
                                         {MountType::kDevpts, "devpts"},
                                         {MountType::kMqueue, "mqueue"},
                                         {MountType::kCgroup, "cgroup"},
                                         {MountType::kCgroup2, "cgroup2"}})
NLOHMANN_JSON_SERIALIZE_ENUM(OverlayKind, {{OverlayKind::kNone, "none"},
                                           {OverlayKind::kMemory, "memory"},
                                           {OverlayKind::kSelf, "self"},
                                           {OverlayKind::kDir, "dir"}})
NLOHMANN_JSON_SERIALIZE_ENUM(FileAccess, {{FileAccess::kExclusive, "exclusive"}, {FileAccess::kShared, "shared"}})
NLOHMANN_JSON_SERIALIZE_ENUM(NetworkMode, {{NetworkMode::kNone, "none"}, {NetworkMode::kHost, "host"}})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ContainerCapabilities, bounding, effective, permitted, inheritable, ambient)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ContainerRlimit, resource, soft, hard)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ProcessScheduling, policy, priority, nice, reset_on_fork, io_priority)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ConsoleSize, rows, columns)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(IdMapping, container, host, size)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(NamespaceSharing, pid, ipc, uts, net)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ContainerMount, destination, type, source, flags, data, connection, file_access,
                                   overlay, overlay_store)

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ContainerDevice, path, mode, major, minor, uid, gid)

// Found by the library by argument-dependent lookup.
void to_json(json& to, const ContainerHook& hook) {
  to = {{"path", hook.path}, {"args", hook.args}, {"env", hook.env}};
  if (hook.timeout) to["timeout"] = *hook.timeout;
}

void from_json(const json& from, ContainerHook& hook) {
  from.at("path").get_to(hook.path);
  from.at("args").get_to(hook.args);
  from.at("env").get_to(hook.env);
  if (from.contains("timeout")) hook.timeout = from.at("timeout").get<int>();
}

namespace {

constexpr off_t kMaxConfigBytes = 16 << 20;

template <typename T>
void put_optional(json& to, const char* key, const std::optional<T>& value) {
  if (value) to[key] = *value;
}

template <typename T>
void get_optional(const json& from, const char* key, std::optional<T>& value) {
  if (from.contains(key)) value = from.at(key).get<T>();
}

// The fields that are always present: one list for both directions.
template <typename Visitor, typename Config>
void visit_fields(Config& config, Visitor&& visit) {
  visit("id", config.id);
  visit("args", config.args);
  visit("env", config.env);
  visit("cwd", config.cwd);
  visit("uid", config.uid);
  visit("gid", config.gid);
  visit("additional_gids", config.additional_gids);
  visit("capabilities", config.capabilities);
  visit("rlimits", config.rlimits);
  visit("no_new_privileges", config.no_new_privileges);
  visit("terminal", config.terminal);
  visit("scheduling", config.scheduling);
  visit("host_processors", config.host_processors);
  visit("hostname", config.hostname);
  visit("domainname", config.domainname);
  visit("mounts", config.mounts);
  visit("devices", config.devices);
  visit("masked_paths", config.masked_paths);
  visit("readonly_paths", config.readonly_paths);
  visit("sysctls", config.sysctls);
  visit("user_namespace", config.user_namespace);
  visit("uid_mappings", config.uid_mappings);
  visit("gid_mappings", config.gid_mappings);
  visit("seccomp_filter", config.seccomp_filter);
  visit("seccomp_log", config.seccomp_log);
  visit("share", config.share);
  visit("start_container_hooks", config.start_container_hooks);
  visit("hook_state", config.hook_state);
  visit("annotations", config.annotations);
  visit("network", config.network);
  visit("strace", config.strace);
  visit("debug", config.debug);
}

template <typename Visitor, typename Config>
void visit_optional_fields(Config& config, Visitor&& visit) {
  visit("umask", config.umask);
  visit("oom_score_adj", config.oom_score_adj);
  visit("console_size", config.console_size);
  visit("pids_limit", config.pids_limit);
  visit("memory_limit", config.memory_limit);
  visit("cpu_quota", config.cpu_quota);
  visit("cpu_period", config.cpu_period);
  visit("cpu_shares", config.cpu_shares);
  visit("memory_swap", config.memory_swap);
  visit("memory_reservation", config.memory_reservation);
}

void require(bool condition, const std::string& message) {
  if (!condition) throw std::invalid_argument(message);
}

bool is_c_string(const std::string& text) { return text.find('\0') == std::string::npos; }

void check_strings(const std::vector<std::string>& strings, const char* what) {
  for (const std::string& text : strings) require(is_c_string(text), std::string(what) + ": a NUL byte in a string");
}

void check_path(const std::string& path, const char* what) {
  require(!path.empty() && path[0] == '/' && is_c_string(path),
          std::string(what) + ": \"" + path + "\" is not absolute");
}

void check_rules(const ContainerConfig& config) {
  require(!config.args.empty() && !config.args[0].empty(), "args: empty");
  check_strings(config.args, "args");
  check_strings(config.env, "env");
  check_path(config.cwd, "cwd");
  require(is_valid(config.scheduling), "scheduling: out of range");
  require(!config.mounts.empty() && config.mounts[0].destination == "/", "mounts: the first must be \"/\"");
  for (const ContainerMount& mount : config.mounts) {
    check_path(mount.destination, "mounts");
    check_strings(mount.data, "mounts: data");
    require(mount.type != MountType::kGofer || mount.connection >= 0, "mounts: a gofer mount without a connection");
  }
  for (const ContainerHook& hook : config.start_container_hooks) {
    check_path(hook.path, "start_container_hooks");
    check_strings(hook.args, "start_container_hooks: args");
    check_strings(hook.env, "start_container_hooks: env");
  }
  for (const ContainerDevice& device : config.devices) {
    check_path(device.path, "devices");
    require(S_ISCHR(device.mode) || S_ISBLK(device.mode) || S_ISFIFO(device.mode), "devices: not a type of device");
  }
  for (const std::string& path : config.masked_paths) check_path(path, "masked_paths");
  for (const std::string& path : config.readonly_paths) check_path(path, "readonly_paths");
}

}  // namespace

std::string container_config_to_json(const ContainerConfig& config) {
  json out = json::object();
  visit_fields(config, [&](const char* key, const auto& value) { out[key] = value; });
  visit_optional_fields(config, [&](const char* key, const auto& value) { put_optional(out, key, value); });
  // Arguments and environment may be any bytes; those that are not UTF-8 are the caller's to refuse, not ours to crash
  // on.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<ContainerConfig> container_config_from_json(std::string_view text, std::string* why) {
  // The library reports through exceptions; none leaves this function.
  try {
    const json in = json::parse(text);
    ContainerConfig config;
    visit_fields(config, [&](const char* key, auto& value) { in.at(key).get_to(value); });
    visit_optional_fields(config, [&](const char* key, auto& value) { get_optional(in, key, value); });
    check_rules(config);
    return config;
  } catch (const std::exception& error) {
    *why = error.what();
    return Errno(EINVAL);
  }
}

Result<ContainerConfig> read_container_config(int fd, std::string* why) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_size < 0 || status.st_size > kMaxConfigBytes) {
    *why = "the configuration's descriptor is not a file of at most 16 MiB";
    return Errno(EINVAL);
  }
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::pread(fd, text.data() + done, text.size() - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      *why = "the configuration cannot be read";
      return Errno(count < 0 ? errno : EINVAL);
    }
    done += static_cast<std::size_t>(count);
  }
  return container_config_from_json(text, why);
}

}  // namespace runsc
