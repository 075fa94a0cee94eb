// Starts the boot process: the sandbox itself.
#pragma once

#include <array>
#include <vector>

#include "boot/base/unique_fd.h"
#include "sandbox/network_settings.h"
#include "sandbox/options.h"
#include "sandbox/spawn.h"

namespace runsc {

// What the boot process is given. Everything is borrowed until spawn_boot() returns.
struct BootResources {
  int config = -1;   // sealed memfd
  int control = -1;  // listening socket
  int log = -1;
  std::array<int, 3> stdio{-1, -1, -1};
  std::vector<int> preserved_fds;
  std::vector<int> gofer_connections;
  std::vector<int> overlay_stores;
  int start_gate = -1;
  int network_namespace = -1;            // the one to be born in; -1: see own_network
  const CgroupDoors* cgroups = nullptr;  // to be in; null: the caller's
  bool own_network = true;               // a new network namespace
  NetworkSettings network_settings{};    // of the namespace that is made or joined, unless that is the host's
  bool die_with_parent = false;
  bool rootless = false;
};

// The ids of the boot process outside and, identically, inside its user namespace: nobody's.
inline constexpr std::uint32_t kBootId = 65534;

SpawnedProcess spawn_boot(const BootResources& resources, const RuntimeOptions& options);

// What `runsc boot` does when it has been executed: takes its descriptors, checks that it is contained, and runs
// boot_main(). `arguments` are those of spawn_boot(). Throws UserError.
[[noreturn]] void run_boot(const std::vector<std::string>& arguments);

}  // namespace runsc
