// From a bundle to a container's exit status: what `run` and `do` share.
#pragma once

#include <string>

#include "runsc/oci/spec.h"
#include "sandbox/options.h"

namespace runsc {

struct RunRequest {
  std::string id;
  std::string bundle;  // absolute
  oci::Spec spec;      // has passed check_bundle()
  bool detach = false;
  bool keep = false;
  std::string pid_file;        // empty: none
  std::string console_socket;  // empty: none
};

// Returns the container's exit status, or 0 when detached. Whatever fails on the way, nothing is left behind. Throws
// UserError.
int run_container(RunRequest request, const RuntimeOptions& options);

}  // namespace runsc
