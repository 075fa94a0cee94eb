// Changing at run time what start_logging() (log.h) has chosen.
#pragma once

namespace runsc {

// Whether messages of LOG(INFO) are written. From any thread.
void set_debug_logging(bool debug);

}  // namespace runsc
