#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>

#include <utility>

#include "boot/startup_report.h"
#include "runsc/common/user_error.h"
#include "sandbox/boot_process.h"
#include "sandbox/cgroup/container_cgroup.h"
#include "sandbox/container_parts.h"
#include "sandbox/hooks.h"
#include "sandbox/sandbox_parts.h"
#include "sandbox/scheduling.h"
#include "sandbox/start_gate.h"

namespace runsc {
namespace {

// Everything that the processes are given, kept until they have it.
struct Parts {
  ContainerPlan plan;
  UniqueFd config;
  UniqueFd control;
  std::vector<ConnectionPair> connections;
  std::vector<UniqueFd> overlay_stores;
  UniqueFd network_namespace;
  UniqueFd start_gate;
  CgroupDoors cgroups;
};

Parts make_parts(const SandboxRequest& request, const RuntimeOptions& options, const ContainerStore& store,
                 const ContainerState& state) {
  Parts parts;
  parts.plan = plan_container(request.id, request.spec, options);
  parts.plan.config.hook_state = oci_state_json(state, Status::kCreated);
  parts.config = make_config_file(parts.plan.config);
  parts.control = make_control_socket(store.control_socket(request.id));
  parts.connections = make_connections(parts.plan.gofer_mounts.size());
  parts.overlay_stores = make_overlay_stores(parts.plan.overlay_directories);
  if (request.hold) parts.start_gate = make_start_gate(store.start_gate(request.id));
  return parts;
}

// The sandbox's namespace: the container's own where --network=host wants the real one, else an empty one.
void choose_network(const SandboxRequest& request, const RuntimeOptions& options, BootResources& resources,
                    UniqueFd& network_namespace) {
  const oci::Namespace* network = oci::find_namespace(request.spec, oci::NamespaceType::kNetwork);
  resources.own_network = true;
  if (options.network == NetworkMode::kNone) return;
  resources.own_network = network != nullptr && network->path.empty();
  if (network == nullptr || network->path.empty()) return;
  network_namespace = UniqueFd(::open(network->path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!network_namespace) throw_system_error("open " + network->path);
  resources.network_namespace = network_namespace.get();
}

SpawnedProcess start_boot(const SandboxRequest& request, const RuntimeOptions& options, Parts& parts) {
  BootResources resources;
  resources.config = parts.config.get();
  resources.control = parts.control.get();
  resources.log = options.log_fd;
  resources.cgroups = &parts.cgroups;
  resources.stdio = request.stdio;
  resources.preserved_fds = request.preserved_fds;
  for (const ConnectionPair& pair : parts.connections) resources.gofer_connections.push_back(pair.boot.get());
  resources.overlay_stores = borrow(parts.overlay_stores);
  resources.start_gate = parts.start_gate.get();
  resources.die_with_parent = !request.detach;
  resources.rootless = options.rootless;
  choose_network(request, options, resources, parts.network_namespace);
  resources.network_settings = network_settings(request.spec.linux_.sysctl);
  return spawn_boot(resources, options);
}

}  // namespace

Sandbox::Sandbox(SpawnedProcess gofer, SpawnedProcess boot, ContainerState state)
    : gofer_(std::move(gofer)),
      boot_(std::move(boot)),
      gofer_reports_(gofer_.report_fd()),
      boot_reports_(boot_.report_fd()),
      state_(std::move(state)) {}

Sandbox Sandbox::start(const SandboxRequest& request, const RuntimeOptions& options, const ContainerStore& store) {
  ContainerCgroup cgroup = plan_cgroup(request, options);
  ContainerState state = new_state(request);
  CgroupGuard cgroups = make_cgroup(cgroup, state, store);
  Sandbox sandbox = [&] {
    // In a scope of its own: our ends of what the processes have are closed before anything is awaited, so that each
    // sees the other's death.
    Parts parts = make_parts(request, options, store, state);
    parts.cgroups = cgroup.open_doors();
    SpawnedProcess gofer = start_gofer(request, options, parts.plan, parts.connections, parts.cgroups);
    SpawnedProcess boot = start_boot(request, options, parts);
    return Sandbox(std::move(gofer), std::move(boot), std::move(state));
  }();
  cgroup.enter({sandbox.gofer_.pid(), sandbox.boot_.pid()});
  // Neither process goes on before the state file names it: if we are killed here, they see it and end, and if we are
  // killed later, whoever deletes the container finds them.
  sandbox.state_.gofer = ProcessIdentity::of(sandbox.gofer_.pid());
  sandbox.state_.boot = ProcessIdentity::of(sandbox.boot_.pid());
  store.save(sandbox.state_);
  set_oom_scores(request.spec.process.oom_score_adj, {sandbox.boot_.pid(), sandbox.gofer_.pid()});
  set_host_scheduling(request.spec.process, {sandbox.boot_.pid(), sandbox.gofer_.pid()});
  if (has_create_hooks(request.spec.hooks)) {
    // They may look into the cgroups.
    sandbox.gofer_.wait_until_placed();
    sandbox.boot_.wait_until_placed();
    run_create_hooks(request.spec.hooks, sandbox.state_);
  }
  sandbox.gofer_.go();
  sandbox.boot_.go();
  sandbox.wait_until_started();
  sandbox.state_.status = request.hold ? Status::kCreated : Status::kRunning;
  store.save(sandbox.state_);
  cgroups.keep();
  return sandbox;
}

void Sandbox::wait_until_started() {
  bool gofer_ended = false;
  while (true) {
    pollfd entries[] = {{.fd = boot_.report_fd(), .events = POLLIN, .revents = 0},
                        {.fd = boot_.pidfd(), .events = POLLIN, .revents = 0},
                        {.fd = gofer_ended ? -1 : gofer_.pidfd(), .events = POLLIN, .revents = 0}};
    if (::poll(entries, 3, -1) < 0 && errno != EINTR) throw_system_error("poll");
    const bool boot_ended = boot_.exited();
    gofer_ended = gofer_.exited();
    // Read after the looks at the processes: what a process said before its end is not missed.
    const auto report = boot_reports_.next();
    if (report && report->started) return;
    // A gofer ends properly when the boot process has let its connections go: that one then says why, or ends.
    const bool gofer_failed = gofer_ended && gofer_.wait() != 0;
    if (report || boot_ended || gofer_failed) throw failure(report);
  }
}

UserError Sandbox::failure(const std::optional<Report>& boot_report) {
  // The gofer's death makes the boot process fail, not the other way round: so its word, or its way to end, is the
  // cause. A gofer that ends properly does so because the boot process has ended, or has let its connections go after
  // it said why.
  const bool missed = boot_report && boot_report->message == kGoferDied;
  if (missed || boot_.exited()) gofer_.exited(kGraceMilliseconds);
  const auto gofer_report = gofer_reports_.next();
  const bool gofer_ended = gofer_.exited();
  const bool gofer_failed = (gofer_report && !gofer_report->started) || (gofer_ended && gofer_.wait() != 0) ||
                            (gofer_ended && !boot_report && !boot_.exited());
  SpawnedProcess& cause = gofer_failed ? gofer_ : boot_;
  // Somebody killed the sandbox as a whole: to the caller that is a container killed by that signal.
  const bool killed = !gofer_failed && !boot_report && boot_.exited() && WIFSIGNALED(boot_.wait());
  const int exit_code = killed ? 128 + WTERMSIG(boot_.wait()) : 1;
  const std::string text = cause.failure(gofer_failed ? gofer_report : boot_report);
  for (SpawnedProcess* process : {&gofer_, &boot_}) {
    process->kill();
    process->wait();
  }
  return UserError(text, exit_code);
}

void Sandbox::kill() { boot_.kill(); }

int Sandbox::finish() {
  if (!boot_.exited() && gofer_.exited() && !boot_.exited(kGraceMilliseconds)) boot_.kill();
  const int status = boot_.wait();
  const auto report = boot_reports_.next();
  if (report || !WIFEXITED(status)) throw failure(report);
  gofer_.kill();
  gofer_.wait();
  return WEXITSTATUS(status);
}

void Sandbox::release() {
  gofer_.release();
  boot_.release();
}

}  // namespace runsc
