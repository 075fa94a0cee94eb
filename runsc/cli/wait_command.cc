#include <sys/wait.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "control/client/client.h"
#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

// The shell's rule.
int exit_code(int status) { return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status); }

int wait(const Words& words, const RuntimeOptions& options) {
  const ContainerStore store(options.root);
  const ContainerState state = store.load(words[0]);
  if (state.status_now() == Status::kStopped) throw UserError("container not running");
  control::Client client(store.control_socket(state));
  control::PendingExit pending =
      FLAGS_pid == 0 ? client.wait_container(state.id) : client.wait_process(state.id, FLAGS_pid);
  nlohmann::ordered_json out;
  out["id"] = state.id;
  out["exitStatus"] = exit_code(*pending.next());
  std::puts(out.dump().c_str());
  return 0;
}

}  // namespace

Command wait_command() {
  return {.name = "wait",
          .arguments = "<container-id>",
          .summary = "wait for the end of a container, or of a process that exec started",
          .flags = {{"pid"}},
          .min_words = 1,
          .max_words = 1,
          .run = wait};
}

}  // namespace runsc
