// The seam to the gofer's server.
#pragma once

#include <vector>

#include "boot/base/unique_fd.h"

namespace runsc {

struct GoferEntry {
  UniqueFd report;  // boot/startup_report.h
  UniqueFd log;
  UniqueFd proc_self_fd;  // O_PATH
  struct Mount {
    UniqueFd connection;
    UniqueFd root;  // O_PATH
    bool read_only = false;
  };
  std::vector<Mount> mounts;
};

// Serves until every connection is closed. Returns the exit status.
int serve_gofer(GoferEntry entry);

}  // namespace runsc
