// Who walks a path, and from where: what path resolution needs of a task, so that it can act for others (access(2) with
// real ids, the loader, tests) than the task whose thread runs.
#pragma once

#include <cstdint>

#include "boot/kernel/credentials.h"
#include "boot/vfs/mount.h"
#include "boot/vfs/vfs_path.h"

namespace runsc {

class CurrentTask;

struct WalkContext {
  VfsPath root;
  VfsPath cwd;
  CredentialsPtr credentials;
  std::uint32_t umask = 022;
  VfsServices* services = nullptr;  // devices and FIFOs are ENXIO without
  // For what only a task can do: magic links (ELOOP without), opening devices and FIFOs (ENXIO without).
  CurrentTask* task = nullptr;
};

WalkContext walk_context(CurrentTask& task);

}  // namespace runsc
