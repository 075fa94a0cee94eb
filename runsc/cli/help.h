// What `help` and `--version` print. Each returns the exit status.
#pragma once

#include "runsc/cli/command.h"

namespace runsc {

int print_help();
int print_command_help(const Command& command);
int print_version();

}  // namespace runsc
