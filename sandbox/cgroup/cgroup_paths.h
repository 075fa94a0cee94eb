// Which directories a container's cgroup consists of.
#pragma once

#include <string>
#include <vector>

#include "sandbox/cgroup/cgroup_host.h"

namespace runsc {

enum class CgroupDriver {
  kFiles,    // made and removed by us, in the file systems of cgroups
  kSystemd,  // a scope that systemd makes
  kNone,     // the sandbox stays in the cgroups of its caller
};

// linux.cgroupsPath for systemd, "slice:prefix:name", taken apart.
struct SystemdUnit {
  std::string slice;  // "system.slice"
  std::string name;   // "runc-ID.scope"
  // "/a.slice/a-b.slice/runc-ID.scope": where systemd puts it, below its own cgroup.
  std::string path() const;
};

// Throws UserError. An empty `cgroups_path` is system.slice:runc:<id>, or user.slice:.. for a caller who is not root.
SystemdUnit parse_systemd_unit(const std::string& cgroups_path, const std::string& id, bool rootless);

// The directory in every hierarchy, for the driver kFiles: an absolute path is counted from the hierarchy's root, a
// relative one from the cgroup of this process (in version 2 from the one above it, since a cgroup with processes
// cannot share out its controllers). An empty one is the container's id. Throws UserError for a path that leads
// upwards.
std::vector<std::string> cgroup_directories(const CgroupHost& host, const std::string& cgroups_path,
                                            const std::string& id);

// The same for a unit of systemd. `manager` is where a user's own systemd keeps its units below the host's; empty for
// the host's.
std::vector<std::string> cgroup_directories(const CgroupHost& host, const SystemdUnit& unit,
                                            const std::string& manager = "");

}  // namespace runsc
