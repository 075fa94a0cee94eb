// From a bundle to a container: what `run`, `create` and `do` share.
#pragma once

#include <string>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/options.h"
#include "sandbox/state.h"

namespace runsc {

enum class RunMode {
  kForeground,  // until the container ends
  kDetached,    // until it runs
  kCreated,     // until it waits for `start`
};

struct RunRequest {
  std::string id;
  std::string bundle;  // absolute
  oci::Spec spec;      // has passed check_bundle()
  RunMode mode = RunMode::kForeground;
  bool keep = false;
  std::string pid_file;            // empty: none
  std::string console_socket;      // empty: none
  std::string pidfd_socket;        // empty: none
  std::vector<int> preserved_fds;  // of ours, which its first process gets as 3, 4, ..
};

// The request that the flags of `run` and `create` describe. Throws UserError.
RunRequest request_from_flags(const std::string& id, RunMode mode);

// Returns the container's exit status, or 0 unless in the foreground. Whatever fails on the way, nothing is left
// behind. Throws UserError.
int run_container(RunRequest request, const RuntimeOptions& options);

}  // namespace runsc
