// The processors that the sandbox sees, and sets of them as text (cpuset(7), "Formats"). For proc and sys.
#pragma once

#include <cstdint>
#include <string>

namespace runsc {

// How many processors the host lets the main thread use, at least 1. Numbers go from 0 up, whichever they are on the
// host.
int processor_count();

// The first `count` bits (at most 64).
constexpr std::uint64_t first_processors(int count) { return count >= 64 ? ~0ULL : (1ULL << count) - 1; }

// "0-2,5"; empty for the empty set.
std::string list_text(std::uint64_t set);
// Hexadecimal, as wide as `count` processors need, with a comma every 32 bits.
std::string mask_text(std::uint64_t set, int count);

}  // namespace runsc
