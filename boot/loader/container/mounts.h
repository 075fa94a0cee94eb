// The mount tree of a container, as its configuration describes it.
#pragma once

#include <memory>
#include <vector>

#include "boot/base/unique_fd.h"
#include "boot/loader/container/failure.h"
#include "boot/loader/container_config.h"
#include "boot/vfs/mount.h"

namespace runsc {

// What the mounts are made of. The descriptors that the configuration names are taken out.
struct MountSources {
  std::vector<UniqueFd>& gofer_connections;
  std::vector<UniqueFd>& overlay_stores;
  VfsServicesPtr services;
  // What the container's proc, cgroup and mqueue file systems show.
  std::shared_ptr<PidNamespace> pid_namespace;
  std::shared_ptr<ControlGroup> control_group;
  std::shared_ptr<IpcNamespace> ipc;
};

// Mounts everything, makes missing mount points and a missing working directory, fills /dev, then hides masked paths
// and protects read-only ones. Returns null and sets `failure` when something cannot be mounted.
MountNamespacePtr mount_container(const ContainerConfig& config, MountSources sources, StartStatus& failure);

}  // namespace runsc
