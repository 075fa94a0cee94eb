// A process that may be gone, and whose id may belong to another process by now.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "boot/base/unique_fd.h"

namespace runsc {

// The process's start time in clock ticks since boot (field 22 of /proc/<pid>/stat); nullopt: no such process, or a
// zombie.
std::optional<std::uint64_t> process_start_time(pid_t pid);

struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t start_time = 0;

  static ProcessIdentity of(pid_t pid);
  bool alive() const;
  // A descriptor of this very process; invalid when it is gone.
  UniqueFd open() const;
  // Sends a signal to this very process; false when it is gone.
  bool send(int signal) const;
  // Kills it and waits for its end, which needs no parenthood; two minutes at most.
  void end() const;
};

}  // namespace runsc
