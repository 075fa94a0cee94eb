// The bundle's hooks: programs of the host that are told of a container's life.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/state.h"

namespace runsc {

// Runs hook number `index` of its kind, as below.
void run_hook(const char* kind, std::size_t index, const oci::Hook& hook, const std::string& state_json);

// Runs them one after the other, each with the container's state as JSON on its standard input, its own arguments and
// environment, signals as a new login has them, and the caller's other attributes. What it says is not shown unless it
// fails. Throws UserError, with what it said, for the first that cannot be started, does not end with status 0, or does
// not end in time (it is killed then; what it has started is not); the rest is not run.
void run_hooks(const char* kind, const std::vector<oci::Hook>& hooks, const std::string& state_json);

}  // namespace runsc
