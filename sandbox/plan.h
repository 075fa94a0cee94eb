// From a bundle and the command line's options to what the two processes are given.
#pragma once

#include <string>
#include <vector>

#include "boot/loader/container_config.h"
#include "runsc/oci/spec.h"
#include "sandbox/options.h"

namespace runsc {

// A host directory or file that the gofer serves; its index is the index of its connection.
struct GoferMount {
  std::string source;      // absolute, resolved host path
  bool recursive = false;  // with what is mounted below it
  bool read_only = false;  // the gofer's own mount is read-only: nothing is written even by a subverted gofer
};

struct ContainerPlan {
  ContainerConfig config;
  std::vector<GoferMount> gofer_mounts;  // the first is the container's root
  // For overlays of the kinds self and dir: the directory for the unnamed file of that index.
  std::vector<std::string> overlay_directories;
};

// Throws UserError. `spec` has passed check_bundle().
ContainerPlan plan_container(const std::string& id, const oci::Spec& spec, const RuntimeOptions& options);

}  // namespace runsc
