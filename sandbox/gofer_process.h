// Starts the gofer process of a container.
#pragma once

#include <string>
#include <vector>

#include "boot/base/unique_fd.h"
#include "sandbox/options.h"
#include "sandbox/plan.h"
#include "sandbox/spawn.h"

namespace runsc {

struct GoferResources {
  std::vector<GoferMount> mounts;
  std::vector<int> connections;  // one for each mount; borrowed until spawn_gofer() returns
  int log = -1;
  const CgroupDoors* cgroups = nullptr;  // to be in, borrowed until spawn_gofer() returns; null: the caller's
  bool die_with_parent = false;
  // The container has a user namespace, or the caller is not root: the gofer sees the files' owners through these maps.
  bool user_namespace = false;
  IdMaps id_maps;
};

SpawnedProcess spawn_gofer(const GoferResources& resources, const RuntimeOptions& options);

// What `runsc gofer` does when it has been executed. Returns the exit status.
int run_gofer_process(const std::vector<std::string>& arguments);

}  // namespace runsc
