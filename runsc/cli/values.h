// Values of flags that are more than text.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace runsc {

// All throw UserError "invalid value for NAME: .." as runc does.

// "64m", "1.5g", "1000", "10kb", "-1".
std::int64_t parse_bytes(const std::string& name, const std::string& text);
std::int64_t parse_number(const std::string& name, const std::string& text);
// "5s", "1m30s", "1.5h", "250ms", as Go writes them. Never negative.
std::chrono::milliseconds parse_duration(const std::string& name, const std::string& text);

}  // namespace runsc
