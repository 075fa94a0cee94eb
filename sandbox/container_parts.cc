#include "sandbox/container_parts.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "sandbox/gofer_process.h"
#include "sandbox/hooks.h"

namespace runsc {
namespace {

IdMaps gofer_id_maps(const ContainerConfig& config, bool rootless) {
  IdMaps maps{.uids = config.uid_mappings, .gids = config.gid_mappings, .deny_setgroups = rootless};
  if (!config.user_namespace || maps.uids.empty()) {
    maps.uids = {{0, ::geteuid(), 1}};
    maps.gids = {{0, ::getegid(), 1}};
  }
  return maps;
}

// From the file, not getpwuid(3): a static program cannot load the host's name service libraries.
std::string user_name() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/etc/passwd", "re"), std::fclose);
  while (const passwd* entry = file ? ::fgetpwent(file.get()) : nullptr) {
    if (entry->pw_uid == ::geteuid()) return entry->pw_name;
  }
  return std::to_string(::geteuid());
}

}  // namespace

ContainerCgroup plan_cgroup(const SandboxRequest& request, const RuntimeOptions& options) {
  return ContainerCgroup(detect_cgroup_host(), {.id = request.id,
                                                .path = request.spec.linux_.cgroups_path,
                                                .driver = options.cgroup_driver,
                                                .rootless = options.user_systemd,
                                                .resources = request.spec.linux_.resources});
}

SpawnedProcess start_gofer(const SandboxRequest& request, const RuntimeOptions& options, const ContainerPlan& plan,
                           const std::vector<ConnectionPair>& connections, const CgroupDoors& cgroups) {
  GoferResources resources;
  resources.mounts = plan.gofer_mounts;
  for (const ConnectionPair& pair : connections) resources.connections.push_back(pair.gofer.get());
  resources.log = options.log_fd;
  resources.cgroups = &cgroups;
  resources.die_with_parent = !request.detach;
  resources.user_namespace = plan.config.user_namespace || options.rootless;
  if (resources.user_namespace) resources.id_maps = gofer_id_maps(plan.config, options.rootless);
  return spawn_gofer(resources, options);
}

ContainerState new_state(const SandboxRequest& request) {
  ContainerState state;
  state.id = request.id;
  state.bundle = request.bundle;
  state.rootfs = request.spec.root.path;
  state.created = timestamp_now();
  state.owner = user_name();
  state.annotations = request.spec.annotations;
  state.poststart = request.spec.hooks.poststart;
  state.poststop = request.spec.hooks.poststop;
  state.resources = request.spec.linux_.resources_text;
  state.creator = ProcessIdentity::of(::getpid());
  state.foreground = !request.detach && !request.keep;
  return state;
}

CgroupGuard make_cgroup(ContainerCgroup& cgroup, ContainerState& state, const ContainerStore& store) {
  do {
    state.cgroups = cgroup.entries();
    store.save(state);
  } while (!cgroup.make());
  CgroupGuard guard(state.cgroups);
  cgroup.limit();
  return guard;
}

// Lowering needs a capability that the caller may not have; the
// sandbox then just keeps the caller's score.
void set_oom_scores(const std::optional<int>& score, const std::vector<pid_t>& pids) {
  if (!score) return;
  for (const pid_t pid : pids) {
    std::ofstream("/proc/" + std::to_string(pid) + "/oom_score_adj") << *score;
  }
}

bool has_create_hooks(const oci::Hooks& hooks) {
  return !hooks.prestart.empty() || !hooks.create_runtime.empty() || !hooks.create_container.empty();
}

void run_create_hooks(const oci::Hooks& hooks, const ContainerState& state) {
  const std::string creating = oci_state_json(state, Status::kCreating);
  run_hooks("prestart", hooks.prestart, creating);
  run_hooks("createRuntime", hooks.create_runtime, creating);
  run_hooks("createContainer", hooks.create_container, creating);
}

}  // namespace runsc
