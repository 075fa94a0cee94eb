#include "runsc/cli/command.h"
#include "runsc/cli/run_container.h"

namespace runsc {
namespace {

int create(const Words& words, const RuntimeOptions& options) {
  return run_container(request_from_flags(words[0], RunMode::kCreated), options);
}

}  // namespace

Command create_command() {
  return {.name = "create",
          .arguments = "<container-id>",
          .summary = "create a container from a bundle, to be run by `start`",
          .flags = {{"bundle", 'b'},
                    {"pid-file"},
                    {"pidfd-socket"},
                    {"console-socket"},
                    {"no-pivot"},
                    {"no-new-keyring"},
                    {"preserve-fds"}},
          .min_words = 1,
          .max_words = 1,
          .run = create};
}

}  // namespace runsc
