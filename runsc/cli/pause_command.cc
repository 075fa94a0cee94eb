#include "control/client/client.h"
#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

ContainerState load_running(const ContainerStore& store, const std::string& id) {
  ContainerState state = store.load(id);
  const Status status = state.status_now();
  if (status == Status::kStopped || status == Status::kCreating) {
    throw UserError(std::string("container not running: ") + status_name(status));
  }
  return state;
}

// Both under the lock, so that what is saved is what was done last.
int pause(const Words& words, const RuntimeOptions& options) {
  const ContainerStore store(options.root);
  load_running(store, words[0]);
  const ContainerLock lock(options.root, words[0]);
  ContainerState state = load_running(store, words[0]);
  if (state.status_now() != Status::kRunning) {
    throw UserError(std::string("container not running: ") + status_name(state.status_now()));
  }
  control::Client(store.control_socket(state)).pause(state.id);
  state.status = Status::kPaused;
  store.save(state);
  return 0;
}

int resume(const Words& words, const RuntimeOptions& options) {
  const ContainerStore store(options.root);
  store.load(words[0]);
  const ContainerLock lock(options.root, words[0]);
  ContainerState state = store.load(words[0]);
  if (state.status_now() != Status::kPaused) throw UserError("container not paused");
  control::Client(store.control_socket(state)).resume(state.id);
  state.status = Status::kRunning;
  store.save(state);
  return 0;
}

}  // namespace

Command pause_command() {
  return {.name = "pause",
          .arguments = "<container-id>",
          .summary = "stop all processes of a container for a while",
          .flags = {},
          .min_words = 1,
          .max_words = 1,
          .run = pause};
}

Command resume_command() {
  return {.name = "resume",
          .arguments = "<container-id>",
          .summary = "let the processes of a paused container go on",
          .flags = {},
          .min_words = 1,
          .max_words = 1,
          .run = resume};
}

}  // namespace runsc
