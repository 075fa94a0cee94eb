// linux.sysctl: what of it the host's kernel keeps for a network namespace.
#pragma once

#include <map>
#include <string>

namespace runsc {

using NetworkSettings = std::map<std::string, std::string>;

// Those of "net.", but the ones that the sandbox's kernel decides: who may bind low ports and who may ping.
NetworkSettings network_settings(const std::map<std::string, std::string>& sysctls);

// Sets them for the network namespace that the caller is in. Throws UserError, as runc fails, for what the host does
// not know or refuses.
void apply_network_settings(const NetworkSettings& settings);

// Throws UserError, as runc does, if there are any: for a container without a network namespace of its own.
void refuse_network_settings(const NetworkSettings& settings);

}  // namespace runsc
