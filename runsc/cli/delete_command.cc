#include "runsc/cli/command.h"
#include "runsc/cli/late_hooks.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"
#include "sandbox/joined_container.h"

namespace runsc {
namespace {

// With --force a container that does not exist has been deleted.
bool exists(const ContainerStore& store, const std::string& id) {
  try {
    store.load(id);
    return true;
  } catch (const UserError&) {
    if (!FLAGS_force) throw;
    return false;
  }
}

int delete_container(const Words& words, const RuntimeOptions& options) {
  const std::string& id = words[0];
  check_container_id(id);
  ContainerStore store(options.root);
  // Before the lock, which would make the file of a container that does not exist.
  if (!exists(store, id)) return 0;
  ContainerLock lock(options.root, id);
  if (!exists(store, id)) {
    lock.remove_on_release();
    return 0;
  }
  const ContainerState state = store.load(id);
  const Status status = state.status_now();
  if (status != Status::kStopped && status != Status::kCreated && !FLAGS_force) {
    throw UserError("cannot delete container " + id + " that is not stopped: " + status_name(status));
  }
  if (!state.sandbox_id.empty()) destroy_joined(store, state);
  state.init().end();
  state.gofer.end();
  store.remove(id, state.cgroups);
  lock.remove_on_release();
  run_poststop_hooks(state.poststop, oci_state_json(state, Status::kStopped));
  return 0;
}

}  // namespace

Command delete_command() {
  return {.name = "delete",
          .arguments = "<container-id>",
          .summary = "remove what is kept of a container that has ended",
          .flags = {{"force", 'f'}},
          .min_words = 1,
          .max_words = 1,
          .run = delete_container};
}

}  // namespace runsc
