#include "sandbox/gofer_entry.h"

#include <poll.h>

namespace runsc {

// Until the server is linked in: stays until the boot process goes away.
int serve_gofer(GoferEntry entry) {
  for (const auto& mount : entry.mounts) {
    pollfd item{.fd = mount.connection.get(), .events = 0, .revents = 0};
    while (::poll(&item, 1, -1) < 0) {
    }
  }
  return 0;
}

}  // namespace runsc
