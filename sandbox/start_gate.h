// What holds a created container back until `start`: a FIFO in the container's directory, so that it outlives the
// command that made it.
#pragma once

#include <string>

#include "boot/base/unique_fd.h"

namespace runsc {

// Makes the FIFO and returns the end at which the boot process waits. That end is open for writing too: the wait ends
// with a byte, and not because some writer has come and gone. Throws UserError.
UniqueFd make_start_gate(const std::string& path);

// Lets the container begin. Throws UserError when nobody waits any more.
void open_start_gate(const std::string& path);

}  // namespace runsc
