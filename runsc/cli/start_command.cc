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

int start(const Words& words, const RuntimeOptions& options) {
  ContainerStore store(options.root);
  store.load(words[0]);
  const ContainerLock lock(options.root, words[0]);
  ContainerState state = store.load(words[0]);
  expect_created(state.status_now());
  control::Client(store.control_socket(state)).start_container(state.id);
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
