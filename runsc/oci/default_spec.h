// The configuration that `spec` writes and `do` starts from.
#pragma once

#include <nlohmann/json.hpp>

namespace runsc::oci {

// As runc writes it: `sh` in rootfs/, on a terminal, with three capabilities. Rootless: in a user namespace that maps
// the caller to root.
nlohmann::ordered_json default_spec(bool rootless);

}  // namespace runsc::oci
