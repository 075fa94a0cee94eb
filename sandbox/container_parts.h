// What a container in a sandbox of its own and one in a sandbox of others have in common when they start.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/cgroup/container_cgroup.h"
#include "sandbox/options.h"
#include "sandbox/plan.h"
#include "sandbox/sandbox.h"
#include "sandbox/sandbox_parts.h"
#include "sandbox/spawn.h"
#include "sandbox/state.h"

namespace runsc {

ContainerCgroup plan_cgroup(const SandboxRequest& request, const RuntimeOptions& options);

// Removes the cgroups again unless the container got as far as to own them.
class CgroupGuard {
 public:
  explicit CgroupGuard(std::vector<std::string> cgroups) : cgroups_(std::move(cgroups)) {}
  ~CgroupGuard() { remove_cgroups(cgroups_, Leftovers::kKill); }
  CgroupGuard(CgroupGuard&& other) noexcept : cgroups_(std::exchange(other.cgroups_, {})) {}
  CgroupGuard& operator=(CgroupGuard&&) = delete;
  void keep() { cgroups_.clear(); }

 private:
  std::vector<std::string> cgroups_;
};

// The state as it is before anything of the container exists.
ContainerState new_state(const SandboxRequest& request);

// Makes the container's cgroup, with its limits. The state that names it is saved before it exists, so that it is found
// if we are killed. Throws UserError.
CgroupGuard make_cgroup(ContainerCgroup& cgroup, ContainerState& state, const ContainerStore& store);

// `cgroups` are those to be in.
SpawnedProcess start_gofer(const SandboxRequest& request, const RuntimeOptions& options, const ContainerPlan& plan,
                           const std::vector<ConnectionPair>& connections, const CgroupDoors& cgroups);

// Which processes the host ends first when memory runs out.
void set_oom_scores(const std::optional<int>& score, const std::vector<pid_t>& pids);

bool has_create_hooks(const oci::Hooks& hooks);
// prestart, createRuntime and createContainer: the namespaces exist, nothing of the container runs: this is where
// networks are set up. Throws UserError.
void run_create_hooks(const oci::Hooks& hooks, const ContainerState& state);

}  // namespace runsc
