// Where the reports of sanitizers go, in builds with one (RUNSC_SANITIZED in .bazelrc). In other builds nothing here
// does anything.
//
// Standard error is the container's, or nobody's, so reports have a file of their own: the one that the environment
// variable RUNSC_SANITIZER_REPORTS names, /tmp/runsc-sanitizer-reports without it. All processes append to it. Frames
// are not symbolised, since that takes files that a contained process cannot open: test/sanitizer.py does it.
#pragma once

#include "boot/base/unique_fd.h"

namespace runsc {

// The file, close-on-exec; invalid in other builds, and when it cannot be opened: reports then stay on standard error.
UniqueFd open_sanitizer_reports();

// To be called before a seccomp policy is installed: what reports need of files is read now.
void prepare_sanitizer_for_policy();

// From now on this process reports there.
void redirect_sanitizer_reports();

}  // namespace runsc
