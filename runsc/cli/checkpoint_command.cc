// Checkpoint and restore: their command lines are those of runc, so that callers get one clear answer.
#include "runsc/cli/command.h"
#include "runsc/common/user_error.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

std::vector<FlagName> image_flags() {
  return {{"image-path"},  {"work-path"},           {"parent-path"}, {"tcp-established"}, {"ext-unix-sk"},
          {"shell-job"},   {"file-locks"},          {"empty-ns"},    {"lazy-pages"},      {"status-fd"},
          {"page-server"}, {"manage-cgroups-mode"}, {"auto-dedup"}};
}

std::vector<FlagName> with(std::vector<FlagName> flags, const std::vector<FlagName>& more) {
  flags.insert(flags.end(), more.begin(), more.end());
  return flags;
}

int checkpoint(const Words& words, const RuntimeOptions& options) {
  const ContainerState state = ContainerStore(options.root).load(words[0]);
  const Status status = state.status_now();
  if (status == Status::kCreated || status == Status::kStopped) {
    throw UserError(std::string("container cannot be checkpointed in ") + status_name(status) + " state");
  }
  throw UserError("checkpoint is not supported yet");
}

int restore(const Words& words, const RuntimeOptions&) {
  check_container_id(words[0]);
  throw UserError("restore is not supported yet");
}

}  // namespace

Command checkpoint_command() {
  return {.name = "checkpoint",
          .arguments = "<container-id>",
          .summary = "not supported yet",
          .flags = with(image_flags(), {{"leave-running"}, {"pre-dump"}}),
          .min_words = 1,
          .max_words = 1,
          .run = checkpoint};
}

Command restore_command() {
  return {.name = "restore",
          .arguments = "<container-id>",
          .summary = "not supported yet",
          .flags = with(image_flags(), {{"bundle", 'b'},
                                        {"detach", 'd'},
                                        {"pid-file"},
                                        {"console-socket"},
                                        {"no-pivot"},
                                        {"no-subreaper"},
                                        {"lsm-profile"},
                                        {"lsm-mount-context"}}),
          .min_words = 1,
          .max_words = 1,
          .run = restore};
}

}  // namespace runsc
