// What a container's first process and one that is executed later have in common: one list of the fields of
// config.json's process, so that neither forgets one.
#pragma once

#include "runsc/oci/spec.h"
#include "sandbox/own_limits.h"
#include "sandbox/scheduling.h"

namespace runsc {

// `Config` is ContainerConfig or control::ProcessConfig: the names are the same in both.
template <typename Config>
void copy_process_fields(const oci::Process& process, Config& config) {
  config.args = process.args;
  config.env = process.env;
  config.cwd = process.cwd;
  config.uid = process.user.uid;
  config.gid = process.user.gid;
  config.additional_gids = process.user.additional_gids;
  config.umask = process.user.umask;
  config.capabilities = process.capabilities;
  config.rlimits = with_own_limits(process.rlimits);
  config.no_new_privileges = process.no_new_privileges;
  config.oom_score_adj = process.oom_score_adj ? process.oom_score_adj : own_oom_score_adj();
  config.scheduling = scheduling_of(process);
  config.terminal = process.terminal;
  config.console_size = process.console_size;
}

}  // namespace runsc
