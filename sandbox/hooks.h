// The bundle's hooks: programs of the host that are told of a container's life.
#pragma once

#include <string>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/state.h"

namespace runsc {

// Runs them one after the other, each with the container's state as JSON on its standard input, its own arguments and
// environment, and the caller's standard error. Throws UserError for the first that cannot be started, does not end
// with status 0, or does not end in time (it is killed then); the rest is not run.
void run_hooks(const char* kind, const std::vector<oci::Hook>& hooks, const std::string& state_json);

}  // namespace runsc
