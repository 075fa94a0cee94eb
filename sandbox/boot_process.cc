#include "sandbox/boot_process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "boot/boot_main.h"
#include "boot/startup_report.h"
#include "runsc/common/sanitizer_reports.h"
#include "runsc/common/user_error.h"
#include "sandbox/setup_steps.h"

namespace runsc {
namespace {

// The host's own namespace keeps its rules.
bool is_own_network(int network_namespace) {
  struct stat joined {
  }, own{};
  if (::fstat(network_namespace, &joined) != 0 || ::stat("/proc/self/ns/net", &own) != 0) return true;
  return joined.st_dev == own.st_dev && joined.st_ino == own.st_ino;
}

// Of a network namespace that is made with the process.
std::vector<Step> network_steps(std::uint32_t id, const NetworkSettings& settings) {
  return {
      {"loopback", "runc brings it up too; needs CAP_NET_ADMIN", [](Donation&) { bring_up_loopback(); }},
      {"network settings", "the same; while the host's /proc/sys is in sight", [=](Donation&) { open_network_to(id); }},
      {"linux.sysctl", "the host keeps these for each network namespace, and serves its sockets",
       [=](Donation&) { apply_network_settings(settings); }},
  };
}

std::vector<Step> boot_steps(bool may_set_groups, std::uint32_t id) {
  return {
      {"new session", "no key or hang-up of the caller's terminal reaches the sandbox",
       [](Donation&) { start_session(); }},
      {"private mounts", "before the first mount: the host must not see what is mounted here",
       [](Donation&) { make_mounts_private(); }},
      {"private proc",
       "the kernel reads its agents' memory and statistics there; opened while there still is CAP_SYS_ADMIN",
       [](Donation& donation) { donation.add("proc", open_private_proc().release()); }},
      {"ids",
       "nobody, outside and inside: files and processes of the host's users are out of reach. Before the new root, "
       "which "
       "belongs to it. The capabilities of the namespace's owner stay until they are dropped",
       [=](Donation&) { become(id, id, may_set_groups); }},
      {"empty root", "an empty tmpfs: a subverted kernel finds no file, whatever it can still call",
       [](Donation&) { mount_new_root(2); }},
      {"pivot root", "the host's tree is gone, not only out of sight as after chroot",
       [](Donation&) { pivot_to_new_root(); }},
      {"limits", "before the capabilities: raising limits may need one", [](Donation&) { set_limits(); }},
      {"no new privileges", "no later execution can add rights; needed for the seccomp policy too",
       [](Donation&) { set_no_new_privileges(); }},
      {"capabilities", "last: the steps before needed them. None is left, and none can be gained",
       [](Donation&) { limit_capabilities(0); }},
  };
}

IdMaps boot_id_maps(bool rootless) {
  if (rootless) {
    return {.uids = {{kBootId, ::geteuid(), 1}}, .gids = {{kBootId, ::getegid(), 1}}, .deny_setgroups = true};
  }
  return {.uids = {{kBootId, kBootId, 1}}, .gids = {{kBootId, kBootId, 1}}, .deny_setgroups = false};
}

void add_list(Donation& donation, const std::string& name, const std::vector<int>& fds) {
  for (std::size_t i = 0; i < fds.size(); ++i) donation.add(name + std::to_string(i), fds[i]);
}

Donation donate(const BootResources& resources, int null, int reports) {
  Donation donation;
  const int error = reports >= 0 ? reports : resources.log;
  donation.set_stdio(null, null, error >= 0 ? error : null);
  donation.add("config", resources.config);
  donation.add("control", resources.control);
  donation.add("log", resources.log);
  add_list(donation, "stdio", {resources.stdio.begin(), resources.stdio.end()});
  add_list(donation, "preserved", resources.preserved_fds);
  add_list(donation, "gofer", resources.gofer_connections);
  add_list(donation, "overlay", resources.overlay_stores);
  donation.add("start_gate", resources.start_gate);
  return donation;
}

std::vector<std::string> logging_arguments(const RuntimeOptions& options) {
  return {options.log_format == LogFormat::kJson ? "json" : "text", options.debug ? "debug" : "quiet"};
}

BootOptions take_options(DonatedFds& fds) {
  BootOptions options;
  options.report = fds.take("report");
  options.config = fds.take("config");
  options.control = fds.take("control");
  options.log = fds.take("log");
  for (std::size_t i = 0; i < options.stdio.size(); ++i) options.stdio[i] = fds.take("stdio" + std::to_string(i));
  options.preserved_fds = fds.take_list("preserved");
  options.gofer_connections = fds.take_list("gofer");
  options.overlay_stores = fds.take_list("overlay");
  options.proc = fds.take("proc");
  options.start_gate = fds.take("start_gate");
  fds.expect_empty();
  return options;
}

// `runsc boot` typed by a person must not run a sandbox without walls.
void expect_contained() {
  if (::getpid() != 1) throw UserError("this command is internal: it runs in the namespaces that `runsc run` makes");
  if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) throw UserError("no_new_privs is not set");
}

}  // namespace

SpawnedProcess spawn_boot(const BootResources& resources, const RuntimeOptions& options) {
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) throw_system_error("open /dev/null");
  const UniqueFd reports = open_sanitizer_reports();
  SpawnRequest request;
  request.name = "boot";
  request.namespaces = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
  if (resources.own_network) request.namespaces |= CLONE_NEWNET;
  request.network_namespace = resources.network_namespace;
  request.cgroups = resources.cgroups;
  const bool joined = resources.network_namespace >= 0 && !is_own_network(resources.network_namespace);
  if (!joined && !resources.own_network) refuse_network_settings(resources.network_settings);
  if (joined) {
    request.prepare_network = [&resources] {
      open_joined_network_to(kBootId);
      apply_network_settings(resources.network_settings);
    };
  }
  request.id_maps = boot_id_maps(resources.rootless);
  if (resources.own_network) request.steps = network_steps(kBootId, resources.network_settings);
  for (Step& step : boot_steps(!resources.rootless, kBootId)) request.steps.push_back(std::move(step));
  request.donation = donate(resources, null.get(), reports.get());
  request.arguments = logging_arguments(options);
  request.die_with_parent = resources.die_with_parent;
  return spawn(request);
}

void run_boot(const std::vector<std::string>& arguments) {
  if (arguments.size() != 3) throw UserError("this command is internal");
  expect_contained();
  prepare_sanitizer_for_policy();
  DonatedFds fds(arguments[0]);
  BootOptions options = take_options(fds);
  start_logging("runsc-boot", options.log.get(), arguments[1] == "json" ? LogFormat::kJson : LogFormat::kText,
                arguments[2] == "debug");
  // The change of ids made the process undumpable, and so its children's memory unreadable to it.
  ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  ::prctl(PR_SET_NAME, "runsc-boot", 0, 0, 0);
  boot_main(std::move(options));
}

}  // namespace runsc
