#include "sandbox/cgroup/cgroup_doors.h"

#include <unistd.h>

#include <cerrno>

#include "runsc/common/user_error.h"

namespace runsc {

void CgroupDoors::enter() const {
  for (const Door& door : doors_) {
    ssize_t count = 0;
    do {
      count = ::write(door.tasks.get(), "0", 1);  // who writes
    } while (count < 0 && errno == EINTR);
    if (count == 1 || (optional_ && (errno == EACCES || errno == EPERM))) continue;
    throw_system_error("move into cgroup " + door.directory);
  }
}

}  // namespace runsc
