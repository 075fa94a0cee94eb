#include <poll.h>
#include <signal.h>

#include "runsc/cli/command.h"
#include "runsc/cli/messages.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"
#include "sandbox/hooks.h"
#include "sandbox/joined_container.h"

namespace runsc {
namespace {

// Killed processes end, but on a busy host, and with much memory to free, not at once.
constexpr int kPatienceMilliseconds = 120'000;

// Ends the processes and waits for their end, which needs no parenthood.
void end_process(const ProcessIdentity& process) {
  const UniqueFd fd = process.open();
  if (!fd || !process.send(SIGKILL)) return;
  pollfd entry{.fd = fd.get(), .events = POLLIN, .revents = 0};
  while (::poll(&entry, 1, kPatienceMilliseconds) < 0 && errno == EINTR) {
  }
}

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
  end_process(state.init());
  end_process(state.gofer);
  store.remove(id, state.cgroups);
  lock.remove_on_release();
  try {
    run_hooks("poststop", state.poststop, oci_state_json(state, Status::kStopped));
  } catch (const UserError& error) {
    messages().warning(error.what());
  }
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
