#include "runsc/cli/run_container.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "runsc/cli/flags.h"
#include "runsc/cli/inherited_fds.h"
#include "runsc/cli/late_hooks.h"
#include "runsc/cli/launch.h"
#include "runsc/cli/memory_witness.h"
#include "runsc/cli/messages.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/parse.h"
#include "sandbox/container_parts.h"
#include "sandbox/foreground.h"
#include "sandbox/sandbox.h"

namespace runsc {
namespace {

// A container's entry under the root, taken away when this object goes unless kept.
class Entry {
 public:
  Entry(const ContainerStore& store, const std::string& id)
      : store_(store), id_(id), lock_(std::make_unique<ContainerLock>(store.root(), id)) {
    store_.create(id);
  }
  ~Entry() {
    if (kept_) return;
    try {
      if (!lock_) lock_ = std::make_unique<ContainerLock>(store_.root(), id_);
      store_.remove(id_, cgroups_);
      lock_->remove_on_release();
    } catch (const UserError& error) {
      messages().warning(error.what());
    }
    run_poststop_hooks(poststop_, stopped_);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  // What the container has outside of its entry.
  void own(const ContainerState& state) {
    cgroups_ = state.cgroups;
    poststop_ = state.poststop;
    stopped_ = oci_state_json(state, Status::kStopped);
  }
  void unlock() { lock_.reset(); }
  void keep() { kept_ = true; }

 private:
  ContainerStore store_;
  std::string id_;
  std::unique_ptr<ContainerLock> lock_;
  std::vector<std::string> cgroups_;
  std::vector<oci::Hook> poststop_;
  std::string stopped_;
  bool kept_ = false;
};

// The console, when the container has one: the sandbox gets the replica, whoever watches gets the master.
std::optional<PseudoTerminal> make_console(const RunRequest& request) {
  const bool terminal = request.spec.process.terminal;
  const bool socket = !request.console_socket.empty();
  const bool detach = request.mode != RunMode::kForeground;
  if (socket && !(terminal && detach)) {
    throw UserError("cannot use console socket if runsc will not detach or allocate tty");
  }
  if (terminal && detach && !socket) {
    throw UserError("cannot allocate tty if runsc will detach without setting console socket");
  }
  if (!terminal) return std::nullopt;
  return open_pseudo_terminal(request.spec.process.console_size,
                              socket ? ConsoleViewer::kOther : ConsoleViewer::kOwnTerminal);
}

SandboxRequest sandbox_request(const RunRequest& request, const std::optional<PseudoTerminal>& console) {
  SandboxRequest out;
  out.id = request.id;
  out.bundle = request.bundle;
  out.spec = request.spec;
  out.detach = request.mode != RunMode::kForeground;
  out.keep = request.keep;
  out.hold = request.mode == RunMode::kCreated;
  out.preserved_fds = request.preserved_fds;
  if (console) out.stdio = {console->replica.get(), console->replica.get(), console->replica.get()};
  return out;
}

// One file of each run for the processes of the sandbox.
UniqueFd open_debug_log(const std::string& id) {
  if (FLAGS_debug_log.empty()) return {};
  if (::mkdir(FLAGS_debug_log.c_str(), 0755) != 0 && errno != EEXIST) throw_system_error("create " + FLAGS_debug_log);
  const std::string path = FLAGS_debug_log + "/" + id + ".log";
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!fd) throw_system_error("open " + path);
  return fd;
}

void write_pid_file(const std::string& path, pid_t pid) {
  if (!path.empty()) write_atomically(path, std::to_string(pid), 0644, Keeping::kUntilRestart);
}

int attend_to_end(Launch& container, ForwardedSignals& signals, std::optional<PseudoTerminal>& console) {
  if (!console) return container.attend(signals, UniqueFd());
  console->replica.reset();  // so that the end of the container is the end of its output
  const RawTerminal raw;
  return container.attend(signals, std::move(console->master));
}

}  // namespace

RunRequest request_from_flags(const std::string& id, RunMode mode) {
  check_container_id(id);
  RunRequest request;
  request.id = id;
  request.bundle = std::filesystem::absolute(FLAGS_bundle).lexically_normal();
  request.spec = oci::load_bundle(FLAGS_bundle);
  if (FLAGS_oci_seccomp) {
    request.spec.linux_.seccomp = oci::load_seccomp(FLAGS_bundle);
  } else if (request.spec.linux_.has_seccomp) {
    request.spec.warnings.push_back(
        "linux.seccomp is ignored: the application never reaches the host's system calls (--oci-seccomp applies it)");
  }
  request.mode = mode;
  request.keep = FLAGS_keep;
  request.pid_file = FLAGS_pid_file;
  request.console_socket = FLAGS_console_socket;
  request.pidfd_socket = FLAGS_pidfd_socket;
  request.preserved_fds = inherited_fds(FLAGS_preserve_fds);
  return request;
}

int run_container(RunRequest request, const RuntimeOptions& given) {
  ensure_stdio();
  check_container_id(request.id);
  for (const std::string& warning : request.spec.warnings) messages().warning(warning);
  RuntimeOptions options = given;
  const UniqueFd debug_log = open_debug_log(request.id);
  if (debug_log) options.log_fd = debug_log.get();
  if (options.log_fd < 0 && (options.debug || options.strace)) options.log_fd = STDERR_FILENO;

  ForwardedSignals signals;
  ContainerStore store(options.root);
  store.ensure_root();
  Entry entry(store, request.id);
  std::optional<PseudoTerminal> console = make_console(request);
  const SandboxRequest sandbox = sandbox_request(request, console);
  // Whatever fails from here on, the hooks hear of the end.
  if (!request.spec.hooks.poststop.empty()) entry.own(new_state(sandbox));
  const std::unique_ptr<Launch> container = launch(sandbox, options, store);
  entry.own(container->state());
  const bool detach = request.mode != RunMode::kForeground;
  if (console && detach) send_console(request.console_socket, *console);
  if (!request.pidfd_socket.empty()) send_descriptor(request.pidfd_socket, container->pidfd(), "pidfd");
  if (request.mode != RunMode::kCreated) run_poststart_hooks(container->state());
  write_pid_file(request.pid_file, container->state().init().pid);
  if (detach) {
    container->release();
    entry.keep();
    return 0;
  }
  entry.unlock();
  // Looked at before the cgroup goes with the entry, however the sandbox ended.
  const MemoryWitness witness(container->state());
  const int status = attend_to_end(*container, signals, console);
  if (request.keep) entry.keep();
  return status;
}

}  // namespace runsc
