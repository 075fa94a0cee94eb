// The numbers of version 1, in which a bundle speaks, as version 2 wants them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace runsc {

// cpu.shares (2..262144) -> cpu.weight (1..10000), in a straight line. 0 stays 0: not set.
std::uint64_t cpu_weight_from_shares(std::uint64_t shares);

// blkio.weight (10..1000) -> io.weight (1..10000). 0 stays 0.
std::uint64_t io_weight_from_blkio(std::uint64_t weight);

// memory.memsw.limit_in_bytes counts memory and swap, memory.swap.max only swap. -1: unlimited; nothing: leave it
// alone. Throws UserError for a pair that means nothing.
std::optional<std::int64_t> swap_max_from_memsw(std::optional<std::int64_t> memsw, std::optional<std::int64_t> memory);

// The host's limit of processes for a sandbox whose application may have `tasks` of them. See README.md.
std::int64_t host_pids_limit(std::int64_t tasks);

// What such a host limit allows the application: the inverse.
std::uint64_t tasks_of_host_pids(std::uint64_t host_limit);

// "0,2-3" -> a bit for each number, in bytes, lowest first; empty for what is no such list.
std::vector<unsigned> bytes_of_list(const std::string& list);

}  // namespace runsc
