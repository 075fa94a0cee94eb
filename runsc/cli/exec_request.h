// What the command line of `exec` asks for.
#pragma once

#include <string>
#include <vector>

#include "control/types.h"
#include "sandbox/state.h"

namespace runsc {

// The process of --process, or else that of the container's own configuration with the arguments of the command line,
// changed by the flags. Throws UserError. --tty decides alone whether a process of the command line has a terminal.
control::ProcessConfig process_from_flags(const ContainerState& state, const std::vector<std::string>& arguments);

}  // namespace runsc
