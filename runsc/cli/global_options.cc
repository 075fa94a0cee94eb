#include "runsc/cli/global_options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

[[noreturn]] void refuse(const char* flag, const std::string& value, const char* wanted) {
  throw UserError("invalid value \"" + value + "\" for flag --" + flag + ": want " + wanted);
}

// Root of a user namespace, as rootless Podman's runtimes are, is nobody in the host's /run.
bool is_in_user_namespace() {
  std::ifstream map("/proc/self/uid_map");
  std::uint64_t inside = 0, outside = 0, count = 0;
  return (map >> inside >> outside >> count) && (outside != 0 || count != 0xffffffff);
}

bool is_mapped(const char* map, std::uint64_t id) {
  std::ifstream file(map);
  std::uint64_t inside = 0, outside = 0, count = 0;
  while (file >> inside >> outside >> count) {
    if (id >= inside && id - inside < count) return true;
  }
  return false;
}

// In a user namespace: the boot process has the ids of nobody. Without them, as in the namespace that unshare(1) makes,
// there is one user, root or not.
bool lacks_ids() {
  constexpr std::uint64_t kNobody = 65534;
  return !(is_mapped("/proc/self/uid_map", kNobody) && is_mapped("/proc/self/gid_map", kNobody));
}

std::string state_root(bool rootless, bool in_user_namespace) {
  if (!FLAGS_root.empty()) return std::filesystem::absolute(FLAGS_root).lexically_normal();
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if ((rootless || in_user_namespace) && runtime != nullptr && runtime[0] == '/')
    return std::string(runtime) + "/runsc";
  return rootless ? "/tmp/runsc-" + std::to_string(::geteuid()) : "/run/runsc";
}

OverlayOption parse_overlay(const std::string& text) {
  OverlayOption out;
  if (text == "none") out.kind = OverlayKind::kNone;
  if (text == "auto") out.unless_mounted = true;
  if (text == "none" || text == "auto") return out;
  const char* wanted = "auto, none, or root: or all: before self, memory or dir=/PATH";
  const std::size_t colon = text.find(':');
  const std::string where = text.substr(0, colon);
  if (colon == std::string::npos || (where != "root" && where != "all")) refuse("overlay2", text, wanted);
  out.all_gofer_mounts = where == "all";
  const std::string medium = text.substr(colon + 1);
  if (medium == "self") {
    out.kind = OverlayKind::kSelf;
  } else if (medium == "memory") {
    out.kind = OverlayKind::kMemory;
  } else if (medium.rfind("dir=/", 0) == 0) {
    out.kind = OverlayKind::kDir;
    out.directory = medium.substr(4);
  } else {
    refuse("overlay2", text, wanted);
  }
  return out;
}

bool parse_rootless(bool in_user_namespace) {
  if (FLAGS_rootless == "auto") return ::geteuid() != 0 || (in_user_namespace && lacks_ids());
  if (FLAGS_rootless == "true") return true;
  if (FLAGS_rootless == "false") return false;
  refuse("rootless", FLAGS_rootless, "true, false or auto");
}

}  // namespace

const std::vector<FlagName>& global_flags() {
  static const std::vector<FlagName> flags = {{"root"},
                                              {"log"},
                                              {"log-format"},
                                              {"debug"},
                                              {"debug-log"},
                                              {"strace"},
                                              {"oci-seccomp"},
                                              {"platform"},
                                              {"network"},
                                              {"file-access"},
                                              {"overlay2"},
                                              {"rootless"},
                                              {"criu"},
                                              {"systemd-cgroup"},
                                              {"ignore-cgroups"},
                                              {"help", 'h', "help_wanted"},
                                              {"version", 'v', "version_wanted"}};
  return flags;
}

RuntimeOptions options_from_flags() {
  RuntimeOptions options;
  const bool in_user_namespace = is_in_user_namespace();
  options.rootless = parse_rootless(in_user_namespace);
  // Whoever is root in a user namespace only is an ordinary user to the host's systemd.
  options.user_systemd = options.rootless || in_user_namespace;
  options.root = state_root(options.rootless, in_user_namespace);
  if (FLAGS_log_format != "text" && FLAGS_log_format != "json") refuse("log-format", FLAGS_log_format, "text or json");
  options.log_format = FLAGS_log_format == "json" ? LogFormat::kJson : LogFormat::kText;
  if (FLAGS_platform != "seccomp") refuse("platform", FLAGS_platform, "seccomp");
  if (FLAGS_network != "none" && FLAGS_network != "host") refuse("network", FLAGS_network, "none or host");
  options.network = FLAGS_network == "host" ? NetworkMode::kHost : NetworkMode::kNone;
  if (FLAGS_file_access == "exclusive") {
    options.file_access = FileAccess::kExclusive;
  } else if (FLAGS_file_access == "shared") {
    options.file_access = FileAccess::kShared;
  } else if (FLAGS_file_access != "auto") {
    refuse("file-access", FLAGS_file_access, "auto, exclusive or shared");
  }
  if (FLAGS_systemd_cgroup) options.cgroup_driver = CgroupDriver::kSystemd;
  if (FLAGS_ignore_cgroups) options.cgroup_driver = CgroupDriver::kNone;
  options.overlay = parse_overlay(FLAGS_overlay2);
  options.strace = FLAGS_strace;
  options.debug = FLAGS_debug;
  options.oci_seccomp = FLAGS_oci_seccomp;
  return options;
}

}  // namespace runsc
