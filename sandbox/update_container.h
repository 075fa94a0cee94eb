// Changes the limits of a container that exists.
#pragma once

#include <nlohmann/json.hpp>

#include "sandbox/container_store.h"

namespace runsc {

// `change` is linux.resources, of which only what says something counts (runsc/oci/resources_update.h); `name` stands
// in front of errors in it. The caller holds the container's lock. Host, sandbox and state file follow, in this order;
// when one fails, those before it get their old limits back. Throws UserError.
void update_container(const ContainerStore& store, ContainerState state, const nlohmann::json& change,
                      const std::string& name);

}  // namespace runsc
