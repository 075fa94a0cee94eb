#include <fcntl.h>
#include <unistd.h>

#include <optional>

#include "runsc/cli/command.h"
#include "runsc/cli/exec_request.h"
#include "runsc/cli/inherited_fds.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"
#include "sandbox/foreground.h"
#include "sandbox/relay.h"

namespace runsc {
namespace {

constexpr int kExecFailed = 255;  // runc's

void expect_running(Status status) {
  if (status == Status::kStopped || status == Status::kCreating) {
    throw UserError(std::string("cannot exec in a ") + status_name(status) + " container");
  }
  if (status == Status::kPaused && !FLAGS_ignore_paused) {
    throw UserError("cannot exec in a paused container (use --ignore-paused to override)");
  }
}

std::optional<PseudoTerminal> make_console(const control::ProcessConfig& process) {
  const bool socket = !FLAGS_console_socket.empty();
  if (socket && !(FLAGS_detach && process.terminal)) {
    throw UserError("cannot use console socket if runsc will not detach or allocate tty");
  }
  if (process.terminal && FLAGS_detach && !socket) {
    throw UserError("cannot allocate tty if runsc will detach without setting console socket");
  }
  if (!process.terminal) return std::nullopt;
  return open_pseudo_terminal(process.console_size, socket ? ConsoleViewer::kOther : ConsoleViewer::kOwnTerminal);
}

// Copies: what is sent is closed, and the originals are the caller's. One that the caller has closed is invalid.
std::vector<UniqueFd> copies(const std::vector<int>& fds) {
  std::vector<UniqueFd> out;
  for (const int fd : fds) out.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  return out;
}

Relay start_process(const ContainerStore& store, const ContainerState& state, control::ProcessConfig process,
                    const std::optional<PseudoTerminal>& console) {
  const int replica = console ? console->replica.get() : -1;
  const std::vector<int> stdio = console ? std::vector<int>{replica, replica, replica} : std::vector<int>{0, 1, 2};
  const std::vector<int> extra = inherited_fds(FLAGS_preserve_fds);
  RelayRequest request;
  request.control_socket = store.control_socket(state);
  request.container = state.id;
  request.terminal = replica;
  request.fds = extra;
  request.begin = [&](control::Client& client) {
    control::ExecRequest exec;
    exec.container = state.id;
    exec.ignore_paused = FLAGS_ignore_paused;
    exec.tied = true;  // its caller knows the relay, and nothing else, as the process
    exec.process = std::move(process);
    exec.stdio = copies(stdio);
    exec.extra = copies(extra);
    return client.exec(std::move(exec));
  };
  Relay relay(request);
  relay.begin();
  return relay;
}

int attend_to_end(Relay& relay, ForwardedSignals& signals, std::optional<PseudoTerminal>& console) {
  if (!console) return attend(relay, signals, UniqueFd());
  console->replica.reset();  // so that the end of the process is the end of its output
  const RawTerminal raw;
  return attend(relay, signals, std::move(console->master));
}

int exec_in(const Words& words, const RuntimeOptions& options) {
  const ContainerStore store(options.root);
  const ContainerState state = store.load(words[0]);
  expect_running(state.status_now());
  control::ProcessConfig process = process_from_flags(state, {words.begin() + 1, words.end()});
  std::optional<PseudoTerminal> console = make_console(process);
  ForwardedSignals signals;
  Relay relay = start_process(store, state, std::move(process), console);
  if (console && FLAGS_detach) send_console(FLAGS_console_socket, *console);
  if (!FLAGS_pidfd_socket.empty()) send_descriptor(FLAGS_pidfd_socket, relay.pidfd(), "pidfd");
  if (!FLAGS_pid_file.empty())
    write_atomically(FLAGS_pid_file, std::to_string(relay.pid()), 0644, Keeping::kUntilRestart);
  if (FLAGS_detach) {
    relay.release();
    return 0;
  }
  relay.commit();
  return attend_to_end(relay, signals, console);
}

int exec(const Words& words, const RuntimeOptions& options) {
  try {
    ensure_stdio();
    return exec_in(words, options);
  } catch (const UserError& error) {
    throw UserError(std::string("exec failed: ") + error.what(), kExecFailed);
  }
}

}  // namespace

Command exec_command() {
  return {.name = "exec",
          .arguments = "<container-id> <program> [arguments]",
          .summary = "run a further program in a container",
          .flags = {{"console-socket"},
                    {"pidfd-socket"},
                    {"cwd"},
                    {"env", 'e', "env", true},
                    {"tty", 't'},
                    {"user", 'u'},
                    {"additional-gids", 'g', "additional_gids", true},
                    {"process", 'p'},
                    {"detach", 'd'},
                    {"pid-file"},
                    {"process-label"},
                    {"apparmor"},
                    {"no-new-privs"},
                    {"cap", 'c', "cap", true},
                    {"preserve-fds"},
                    {"cgroup", 0, "exec_cgroup", true},
                    {"ignore-paused"}},
          .min_words = 1,
          .max_words = kAnyNumber,
          .run = exec};
}

}  // namespace runsc
