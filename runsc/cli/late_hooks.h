// The hooks of a container that has been started or deleted.
#pragma once

#include <string>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/state.h"

namespace runsc {

// Tells the poststart hooks that the container runs. Throws UserError for the first that fails: the caller ends the
// container (runtime-spec 1.2.1, and all versions of runc; before, the specification wanted a warning).
void run_poststart_hooks(const ContainerState& state);

// Tells the poststop hooks, with that state; each that fails is a warning, and the others are run.
void run_poststop_hooks(const std::vector<oci::Hook>& hooks, const std::string& state_json);

}  // namespace runsc
