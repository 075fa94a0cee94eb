#include <cstdio>

#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"
#include "sandbox/control_client.h"

namespace runsc {
namespace {

int debug(const Words& words, const RuntimeOptions& options) {
  ContainerStore store(options.root);
  const ContainerState state = store.load(words[0]);
  if (state.status_now() == Status::kStopped) throw UserError("container not running");
  if (!FLAGS_stacks) throw UserError("nothing asked for: want --stacks");
  std::fputs(ControlClient(store.control_socket(state.id)).call("stacks").c_str(), stdout);
  return 0;
}

}  // namespace

Command debug_command() {
  return {.name = "debug",
          .arguments = "<container-id>",
          .summary = "look into a running sandbox",
          .flags = {{"stacks"}},
          .min_words = 1,
          .max_words = 1,
          .run = debug};
}

}  // namespace runsc
