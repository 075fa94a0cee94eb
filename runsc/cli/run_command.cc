#include "runsc/cli/command.h"
#include "runsc/cli/run_container.h"

namespace runsc {
namespace {

int run(const Words& words, const RuntimeOptions& options) {
  return run_container(request_from_flags(words[0], FLAGS_detach ? RunMode::kDetached : RunMode::kForeground), options);
}

}  // namespace

Command run_command() {
  return {.name = "run",
          .arguments = "<container-id>",
          .summary = "create a container from a bundle and run it",
          .flags = {{"bundle", 'b'},
                    {"detach", 'd'},
                    {"pid-file"},
                    {"pidfd-socket"},
                    {"console-socket"},
                    {"keep"},
                    {"no-pivot"},
                    {"no-new-keyring"},
                    {"no-subreaper"},
                    {"preserve-fds"}},
          .min_words = 1,
          .max_words = 1,
          .run = run};
}

}  // namespace runsc
