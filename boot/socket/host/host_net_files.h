// The tables of /proc/net, as the host shows them for the network namespace that the boot process lives in.
#pragma once

#include <map>
#include <string>

#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc {

// Opened before the seccomp policy, which opens nothing by a path; afterwards only read. A fixed list of descriptors
// for reading is less than what netlink's sock_diag would need: a protocol with commands, and a rule for its socket.
// Thread-safe.
class HostNetFiles {
 public:
  HostNetFiles() = default;
  // `proc`: the directory of a procfs; tables that the host lacks (IPv6) are left out. -1: none at all.
  explicit HostNetFiles(int proc);

  bool empty() const { return files_.empty(); }
  // ENOENT: not one of them.
  Result<std::string> read(const std::string& name) const;

 private:
  std::map<std::string, UniqueFd> files_;
};

}  // namespace runsc
