#include <cstdio>

#include "runsc/cli/command.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

int state(const Words& words, const RuntimeOptions& options) {
  const ContainerState state = ContainerStore(options.root).load(words[0]);
  std::puts(oci_state_json(state, state.status_now()).c_str());
  return 0;
}

}  // namespace

Command state_command() {
  return {.name = "state",
          .arguments = "<container-id>",
          .summary = "show the state of a container as JSON",
          .flags = {},
          .min_words = 1,
          .max_words = 1,
          .run = state};
}

}  // namespace runsc
