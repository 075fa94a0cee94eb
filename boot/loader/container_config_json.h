// ContainerConfig to and from JSON.
#pragma once

#include <string>
#include <string_view>

#include "boot/base/result.h"
#include "boot/loader/container_config.h"

namespace runsc {

std::string container_config_to_json(const ContainerConfig& config);

// EINVAL with the reason in `*why` (never null) when the text is not JSON, a field is missing or has another type or
// range, or the structure's rules are broken (no arguments, a relative path, a string with a NUL byte, the first mount
// is not "/"). Indices of descriptors are checked against the descriptors by whoever has them.
Result<ContainerConfig> container_config_from_json(std::string_view text, std::string* why);

// Reads the whole of `fd` (borrowed; a memfd or file of at most 16 MiB, from offset 0) and parses it.
Result<ContainerConfig> read_container_config(int fd, std::string* why);

}  // namespace runsc
