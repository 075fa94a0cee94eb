#include "sandbox/joined_container.h"

#include <fcntl.h>

#include <utility>

#include "boot/startup_report.h"
#include "control/client/client.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_parts.h"
#include "sandbox/host_pids.h"
#include "sandbox/pod.h"
#include "sandbox/scheduling.h"

namespace runsc {
namespace {

using control::Client;
using control::ControlError;

// What the relay hands over to the sandbox, and the sandbox's own ends of it.
struct Parts {
  ContainerPlan plan;
  std::vector<ConnectionPair> connections;
  std::vector<UniqueFd> overlay_stores;
};

// Copies: what is sent is closed in the relay, and an invalid descriptor is a closed one.
std::vector<UniqueFd> copies(const std::vector<int>& fds) {
  std::vector<UniqueFd> out;
  for (const int fd : fds) out.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  return out;
}

std::vector<int> boot_ends(const std::vector<ConnectionPair>& connections) {
  std::vector<int> out;
  for (const ConnectionPair& pair : connections) out.push_back(pair.boot.get());
  return out;
}

std::vector<int> joined(std::vector<int> left, const std::vector<int>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

// The processes of the host that carry the container out are the sandbox's, which is elsewhere and has no right to move
// them.
void take_home(const oci::Process& process, const std::vector<std::string>& cgroups, const std::vector<pid_t>& pids) {
  enter_cgroups(cgroups, pids);
  set_oom_scores(process.oom_score_adj ? process.oom_score_adj : own_oom_score_adj(), pids);
  hand_on_nice(pids);
  set_host_scheduling(process, pids);
}

RelayRequest relay_request(const SandboxRequest& request, const Parts& parts, const std::string& control_socket,
                           const std::vector<std::string>& cgroups, pid_t boot) {
  const std::vector<int> stdio(request.stdio.begin(), request.stdio.end());
  if (!request.preserved_fds.empty()) throw UserError("--preserve-fds is for the first container of a sandbox only");
  const std::vector<int> connections = boot_ends(parts.connections);
  const std::vector<int> stores = borrow(parts.overlay_stores);
  RelayRequest out;
  out.control_socket = control_socket;
  out.container = request.id;
  out.terminal = request.spec.process.terminal ? request.stdio[0] : -1;
  out.fds = joined(joined(stdio, connections), stores);
  out.begin = [config = parts.plan.config, process = request.spec.process, stdio, connections, stores, cgroups,
               boot](Client& client) {
    control::CreateRequest create;
    create.config = config;
    create.stdio = copies(stdio);
    create.gofer_connections = copies(connections);
    create.overlay_stores = copies(stores);
    const std::vector<int> processes = client.create_container(std::move(create));
    take_home(process, cgroups, host_pids(boot, {processes.begin(), processes.end()}));
    return 0;
  };
  return out;
}

ContainerPlan make_plan(const SandboxRequest& request, const RuntimeOptions& options, const ContainerStore& store,
                        const ContainerState& sandbox, const ContainerState& state) {
  ContainerPlan plan = plan_container(request.id, request.spec, options);
  plan.config.share = shared_namespaces(request.spec, store, sandbox);
  plan.config.hook_state = oci_state_json(state, Status::kCreated);
  return plan;
}

}  // namespace

JoinedContainer::JoinedContainer(std::string control_socket, SpawnedProcess gofer, std::unique_ptr<Relay> relay,
                                 ContainerState state)
    : control_socket_(std::move(control_socket)),
      gofer_(std::move(gofer)),
      relay_(std::move(relay)),
      state_(std::move(state)) {}

JoinedContainer JoinedContainer::create(const SandboxRequest& request, const RuntimeOptions& options,
                                        const ContainerStore& store, const ContainerState& sandbox) {
  ContainerCgroup cgroup = plan_cgroup(request, options);
  ContainerState state = new_state(request);
  state.sandbox_id = sandbox.id;
  CgroupGuard cgroups = make_cgroup(cgroup, state, store);
  JoinedContainer container = [&] {
    // In a scope of its own: our ends of the gofer's connections are closed before anything is awaited.
    Parts parts;
    parts.plan = make_plan(request, options, store, sandbox, state);
    parts.connections = make_connections(parts.plan.gofer_mounts.size());
    parts.overlay_stores = make_overlay_stores(parts.plan.overlay_directories);
    const CgroupDoors cgroups = cgroup.open_doors();
    SpawnedProcess gofer = start_gofer(request, options, parts.plan, parts.connections, cgroups);
    auto relay = std::make_unique<Relay>(
        relay_request(request, parts, store.control_socket(sandbox.id), state.cgroups, sandbox.boot.pid));
    return JoinedContainer(store.control_socket(sandbox.id), std::move(gofer), std::move(relay), std::move(state));
  }();
  cgroup.enter({container.gofer_.pid()}, {container.relay_->pid()});
  container.state_.gofer = ProcessIdentity::of(container.gofer_.pid());
  container.state_.relay = ProcessIdentity::of(container.relay_->pid());
  store.save(container.state_);
  set_oom_scores(request.spec.process.oom_score_adj, {container.gofer_.pid()});
  set_host_scheduling(request.spec.process, {container.gofer_.pid()});
  container.gofer_.wait_until_placed();
  run_create_hooks(request.spec.hooks, container.state_);
  container.gofer_.go();
  container.make_in_sandbox();
  container.state_.status = Status::kCreated;
  store.save(container.state_);
  cgroups.keep();
  return container;
}

void JoinedContainer::make_in_sandbox() {
  try {
    relay_->begin();
  } catch (const UserError& error) {
    // The sandbox sees that the gofer has gone, and we how: its connections close before its end can be waited for.
    if (error.what() != kGoferDied || !gofer_.exited(kGraceMilliseconds)) throw;
    throw UserError(gofer_.failure(ReportReader(gofer_.report_fd()).next()));
  }
}

JoinedContainer::~JoinedContainer() {
  if (!relay_) return;
  try {
    Client(control_socket_).destroy_container(state_.id);
  } catch (const UserError&) {
    // The sandbox has gone, or never got to know it.
  }
}

void JoinedContainer::start(const ContainerStore& store) {
  Client(control_socket_).start_container(state_.id);
  state_.status = Status::kRunning;
  store.save(state_);
}

void JoinedContainer::release() {
  relay_->release();
  relay_.reset();
  gofer_.release();
}

void destroy_joined(const ContainerStore& store, const ContainerState& state) {
  try {
    Client(store.control_socket(state)).destroy_container(state.id);
  } catch (const ControlError& error) {
    // The sandbox has gone, and the container with it; or it has forgotten it already.
    const bool forgotten =
        error.cause() == ControlError::Cause::kRefused && error.code() == control::FailureCode::kNotFound;
    if (error.cause() != ControlError::Cause::kGone && !forgotten) throw;
  }
}

}  // namespace runsc
