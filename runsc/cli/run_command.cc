#include <filesystem>

#include "runsc/cli/command.h"
#include "runsc/cli/run_container.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/parse.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

int run(const Words& words, const RuntimeOptions& options) {
  check_container_id(words[0]);
  if (FLAGS_preserve_fds != 0) throw UserError("--preserve-fds is not supported yet");
  RunRequest request;
  request.id = words[0];
  request.bundle = std::filesystem::absolute(FLAGS_bundle).lexically_normal();
  request.spec = oci::load_bundle(FLAGS_bundle);
  request.detach = FLAGS_detach;
  request.keep = FLAGS_keep;
  request.pid_file = FLAGS_pid_file;
  request.console_socket = FLAGS_console_socket;
  return run_container(std::move(request), options);
}

}  // namespace

Command run_command() {
  return {.name = "run",
          .arguments = "<container-id>",
          .summary = "create a container from a bundle and run it",
          .flags = {{"bundle", 'b'},
                    {"detach", 'd'},
                    {"pid-file"},
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
