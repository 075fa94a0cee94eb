// Open file descriptors as capabilities.
#pragma once

#include <kj/async.h>

#include <vector>

#include "boot/base/unique_fd.h"
#include "control/sandbox.capnp.h"

namespace runsc::control {

// A capability that carries `fd`, which it owns. With an invalid one: a null capability.
wire::Descriptor::Client offer_descriptor(UniqueFd fd);

// The descriptor that came with a capability, as a copy that the caller owns; invalid when none came.
kj::Promise<UniqueFd> take_descriptor(wire::Descriptor::Client capability);

// Those of a list, in its order. Invalid entries stay in it.
kj::Promise<std::vector<UniqueFd>> take_descriptors(capnp::List<wire::Descriptor>::Reader list);

}  // namespace runsc::control
