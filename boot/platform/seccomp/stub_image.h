// The stub's text as it is mapped into application address spaces: code, then the filter program, sealed.
#pragma once

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc::seccomp {

// A memfd of STUB_TEXT_SIZE bytes that nobody can write any more. Also holds the CPU mask that threads start with: this
// process's own.
Result<UniqueFd> make_stub_image();

}  // namespace runsc::seccomp
