// Names of capabilities.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace runsc::oci {

inline constexpr int kCapabilityCount = 41;

// "CAP_CHOWN" -> 0. Upper case with the prefix, as the specification has it.
std::optional<int> capability_number(std::string_view name);
// Precondition: 0 <= number < kCapabilityCount.
std::string_view capability_name(int number);

}  // namespace runsc::oci
