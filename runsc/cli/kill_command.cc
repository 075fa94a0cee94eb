#include <signal.h>

#include "control/client/client.h"
#include "runsc/cli/command.h"
#include "runsc/cli/signals.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

// A sandbox that is as busy as it can be answers sooner.
constexpr std::chrono::seconds kPatience{10};

// What ends a container that waits for `start`, whose program has set no handler yet.
bool ends_unstarted(int signal) {
  return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGHUP || signal == SIGQUIT ||
         signal == SIGABRT;
}

control::SignalTarget target() {
  using Kind = control::SignalTarget::Kind;
  if (FLAGS_all) return {Kind::kAll, 0};
  return FLAGS_pid == 0 ? control::SignalTarget{} : control::SignalTarget{Kind::kProcess, FLAGS_pid};
}

void signal_running(const ContainerStore& store, const ContainerState& state, int signal) {
  try {
    control::Client(store.control_socket(state), kPatience).signal(state.id, target(), signal);
  } catch (const control::ControlError& error) {
    // It has ended meanwhile: callers know that by this text.
    if (error.code() == control::FailureCode::kFinished || !state.init().alive()) {
      throw UserError("container not running");
    }
    // Whatever state the sandbox is in, SIGKILL works.
    if (signal != SIGKILL || FLAGS_pid != 0) throw;
    state.init().send(SIGKILL);
  }
}

int kill(const Words& words, const RuntimeOptions& options) {
  const int signal = parse_signal(words.size() > 1 ? words[1] : "TERM");
  ContainerStore store(options.root);
  const ContainerState state = store.load(words[0]);
  const Status status = state.status_now();
  if (status == Status::kStopped) {
    // All the processes of a container that has ended: none, which is no mistake.
    if (FLAGS_all) return 0;
    throw UserError("container not running");
  }
  if (signal == 0) return 0;
  if (status == Status::kRunning || status == Status::kPaused) {
    signal_running(store, state, signal);
  } else if (ends_unstarted(signal)) {
    state.init().send(SIGKILL);
  }
  return 0;
}

}  // namespace

Command kill_command() {
  return {.name = "kill",
          .arguments = "<container-id> [signal]",
          .summary = "send a signal (default: TERM) to a container's first process",
          .flags = {{"all", 'a'}, {"pid"}},
          .min_words = 1,
          .max_words = 2,
          .run = kill};
}

}  // namespace runsc
