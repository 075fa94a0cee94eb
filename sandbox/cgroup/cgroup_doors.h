// The ways into a container's cgroups for processes that are being born.
//
// Moving another process takes a lock that every fork, execution and exit of the host waits for, and the mover waits
// for a grace period of the host's RCU to have it: milliseconds. A process that is born in a cgroup (version 2), or
// that moves itself while it has one thread (version 1), needs neither.
#pragma once

#include <string>
#include <vector>

#include "boot/base/unique_fd.h"

namespace runsc {

class CgroupDoors {
 public:
  struct Door {
    std::string directory;
    UniqueFd tasks;  // its "tasks", open for writing: who opened it must have the right, not who writes
  };

  CgroupDoors() = default;
  // `unified`: the directory of version 2; invalid: none. `optional`: the host may refuse, then the process stays
  // outside.
  CgroupDoors(UniqueFd unified, std::vector<Door> doors, bool optional)
      : unified_(std::move(unified)), doors_(std::move(doors)), optional_(optional) {}

  // The directory of version 2 to be born in; -1: none.
  int unified() const { return unified_.get(); }
  // Moves the calling process, which has one thread, into those of version 1. Throws UserError.
  void enter() const;

 private:
  UniqueFd unified_;
  std::vector<Door> doors_;
  bool optional_ = false;
};

}  // namespace runsc
