// Signals as callers write them.
#pragma once

#include <string>

namespace runsc {

// "TERM", "SIGTERM", "sigterm", "15", "RTMIN+1"; 0 asks whether the process exists. Throws UserError for a name that is
// none and a number that is no signal's.
int parse_signal(const std::string& text);

}  // namespace runsc
