#include "control/client/client.h"
#include "runsc/cli/command.h"
#include "runsc/cli/late_hooks.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

void expect_created(Status status) {
  switch (status) {
    case Status::kCreated:
      return;
    case Status::kStopped:
      throw UserError("cannot start a container that has stopped");
    case Status::kRunning:
      throw UserError("cannot start an already running container");
    default:
      throw UserError(std::string("cannot start a container in the ") + status_name(status) + " state");
  }
}

// Whether the container has come to its end instead: the sandbox with it, or after a hook that failed.
bool has_ended(const control::ControlError& error) {
  using control::FailureCode;
  if (error.cause() != control::ControlError::Cause::kRefused)
    return error.cause() == control::ControlError::Cause::kGone;
  return error.code() == FailureCode::kInvalid || error.code() == FailureCode::kNotRunning;
}

// Callers look at the container's process next. Its end comes some time after that of its connections: in between,
// Docker would take the container for one that is still to be started, and lose it.
void start_in_sandbox(const ContainerStore& store, const ContainerState& state) {
  try {
    control::Client(store.control_socket(state)).start_container(state.id);
  } catch (const control::ControlError& error) {
    if (has_ended(error)) state.init().end();
    throw;
  }
}

int start(const Words& words, const RuntimeOptions& options) {
  ContainerStore store(options.root);
  store.load(words[0]);
  const ContainerLock lock(options.root, words[0]);
  ContainerState state = store.load(words[0]);
  expect_created(state.status_now());
  start_in_sandbox(store, state);
  state.status = Status::kRunning;
  store.save(state);
  try {
    run_poststart_hooks(state);
  } catch (const UserError&) {
    // The specification has it stopped; whoever asked for the start deletes it.
    state.init().end();
    throw;
  }
  return 0;
}

}  // namespace

Command start_command() {
  return {.name = "start",
          .arguments = "<container-id>",
          .summary = "run the program of a created container",
          .flags = {},
          .min_words = 1,
          .max_words = 1,
          .run = start};
}

}  // namespace runsc
