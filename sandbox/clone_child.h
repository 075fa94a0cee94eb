// The birth of a contained process, in the namespaces and the cgroup that it is to have.
#pragma once

#include <sys/types.h>

#include "sandbox/spawn.h"

namespace runsc {

// As fork(2) with the namespaces, the network namespace and the cgroup of `request`, whose prepare_network runs before.
// Returns 0 in the child; -1 and errno: it could not be cloned. Throws UserError in the parent when the network
// namespace cannot be entered or prepared. `pidfd` is set in the parent. The caller's own namespaces stay what they
// were.
pid_t clone_child(const SpawnRequest& request, int* pidfd);

}  // namespace runsc
