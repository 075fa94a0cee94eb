// What the command line says about every sandbox, apart from the bundle.
#pragma once

#include <optional>
#include <string>

#include "boot/base/log.h"
#include "boot/loader/container_config.h"
#include "sandbox/cgroup/cgroup_paths.h"

namespace runsc {

struct OverlayOption {
  OverlayKind kind = OverlayKind::kSelf;
  // Nothing over a root that is a mount of its own: whoever mounted it there gave the container a layer to write to,
  // and looks for the result in it (docker cp, diff, commit, restart).
  bool unless_mounted = false;
  std::string directory;          // kDir
  bool all_gofer_mounts = false;  // also over bind mounts
};

struct RuntimeOptions {
  std::string root;  // directory of the state files, absolute
  NetworkMode network = NetworkMode::kNone;
  // Unset: shared where writes reach a root that is a mount of its own, as whoever mounted it may change it, too.
  std::optional<FileAccess> file_access;
  OverlayOption overlay;
  bool strace = false;
  bool debug = false;
  bool oci_seccomp = false;  // linux.seccomp holds inside, instead of being ignored
  CgroupDriver cgroup_driver = CgroupDriver::kFiles;
  bool rootless = false;      // the caller is not root: user namespaces for everything
  bool user_systemd = false;  // kSystemd is the caller's own, not the host's
  LogFormat log_format = LogFormat::kText;
  int log_fd = -1;  // where the processes of the sandbox log (borrowed); -1: the container's stderr
};

}  // namespace runsc
