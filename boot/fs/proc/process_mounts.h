// Mount options as text.
#pragma once

#include <string>

namespace runsc {

// MS_* of one mount: "rw,nosuid,relatime".
std::string mount_options(unsigned long flags);

}  // namespace runsc
