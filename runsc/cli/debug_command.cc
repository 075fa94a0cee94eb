#include <cstdio>

#include "control/client/client.h"
#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

// What the log gets from now on.
void set_logging(control::Client& client, const std::string& level) {
  if (level != "warning" && level != "debug" && level != "strace") {
    throw UserError("invalid log level \"" + level + "\": want warning, debug or strace");
  }
  client.set_logging(level != "warning", level == "strace");
}

int debug(const Words& words, const RuntimeOptions& options) {
  ContainerStore store(options.root);
  const ContainerState state = store.load(words[0]);
  if (state.status_now() == Status::kStopped) throw UserError("container not running");
  if (!FLAGS_stacks && FLAGS_log_level.empty()) throw UserError("nothing asked for: want --stacks or --log-level");
  control::Client client(store.control_socket(state));
  if (!FLAGS_log_level.empty()) set_logging(client, FLAGS_log_level);
  if (FLAGS_stacks) std::fputs(client.stacks().c_str(), stdout);
  return 0;
}

}  // namespace

Command debug_command() {
  return {.name = "debug",
          .arguments = "<container-id>",
          .summary = "look into a running sandbox",
          .flags = {{"stacks"}, {"log-level"}},
          .min_words = 1,
          .max_words = 1,
          .run = debug};
}

}  // namespace runsc
