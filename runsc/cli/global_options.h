// The global flags, checked, and what they mean to a sandbox.
#pragma once

#include "runsc/cli/flags.h"
#include "sandbox/options.h"

namespace runsc {

const std::vector<FlagName>& global_flags();

// Throws UserError for a value that is none.
RuntimeOptions options_from_flags();

}  // namespace runsc
