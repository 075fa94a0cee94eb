// Sets of processors as text (cpuset(7), "Formats"). For proc, sys and cgroup.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace runsc {

// The numbers in a set, in order.
std::vector<int> numbers_of(std::uint64_t set);

// "0-2,5"; empty for the empty set.
std::string list_text(std::uint64_t set);
// Hexadecimal, as wide as `count` processors need (the highest number of the machine + 1), with a comma every 32 bits.
std::string mask_text(std::uint64_t set, int count);

}  // namespace runsc
