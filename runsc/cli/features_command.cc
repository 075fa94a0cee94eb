#include <cstdio>
#include <nlohmann/json.hpp>

#include "runsc/cli/command.h"
#include "runsc/cli/version.h"
#include "runsc/oci/capabilities.h"
#include "runsc/oci/parse.h"
#include "sandbox/seccomp_profile.h"

namespace runsc {
namespace {

using nlohmann::ordered_json;

ordered_json capability_names() {
  ordered_json out = ordered_json::array();
  for (int i = 0; i < oci::kCapabilityCount; ++i) out.push_back(oci::capability_name(i));
  return out;
}

ordered_json seccomp_features(bool applied) {
  ordered_json out = {{"enabled", applied}};
  if (!applied) return out;
  out["actions"] = seccomp_action_names();
  out["operators"] = seccomp_operator_names();
  out["archs"] = {"SCMP_ARCH_X86_64"};
  return out;
}

// What restricts host system calls or labels host objects has nothing to act on here: it is not enabled.
ordered_json linux_features(const RuntimeOptions& options) {
  ordered_json out;
  out["namespaces"] = {"cgroup", "ipc", "mount", "network", "pid", "user", "uts"};
  out["capabilities"] = capability_names();
  out["cgroup"] = {{"v1", true}, {"v2", true}, {"systemd", true}, {"systemdUser", false}, {"rdma", false}};
  out["seccomp"] = seccomp_features(options.oci_seccomp);
  for (const char* name : {"apparmor", "selinux", "intelRdt"}) out[name] = {{"enabled", false}};
  out["mountExtensions"] = {{"idmap", {{"enabled", false}}}};
  return out;
}

int features(const Words&, const RuntimeOptions& options) {
  ordered_json out;
  out["ociVersionMin"] = "1.0.0";
  out["ociVersionMax"] = kSpecVersion;
  out["hooks"] = {"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};
  out["mountOptions"] = oci::known_mount_options();
  out["linux"] = linux_features(options);
  out["annotations"] = {{"runsc.version", kVersion},
                        {"runsc.commit", build_commit()},
                        {"org.opencontainers.runc.checkpoint.enabled", "false"}};
  std::puts(out.dump(4).c_str());
  return 0;
}

}  // namespace

Command features_command() {
  return {.name = "features",
          .arguments = "",
          .summary = "show what this runtime supports, as JSON",
          .flags = {},
          .min_words = 0,
          .max_words = 0,
          .run = features};
}

}  // namespace runsc
