#include "sandbox/cgroup/conversions.h"

#include <algorithm>
#include <limits>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

// See README.md, "The number of processes".
constexpr std::int64_t kProcessesPerTask = 4;
constexpr std::int64_t kProcessesOfSandbox = 64;
// Linux' own limit of process numbers: beyond it a limit limits nothing.
constexpr std::int64_t kMostProcesses = 4194304;

}  // namespace

std::uint64_t cpu_weight_from_shares(std::uint64_t shares) {
  if (shares == 0) return 0;
  shares = std::clamp<std::uint64_t>(shares, 2, 262144);
  return 1 + (shares - 2) * 9999 / 262142;
}

std::uint64_t io_weight_from_blkio(std::uint64_t weight) {
  if (weight == 0) return 0;
  weight = std::clamp<std::uint64_t>(weight, 10, 1000);
  return 1 + (weight - 10) * 9999 / 990;
}

std::optional<std::int64_t> swap_max_from_memsw(std::optional<std::int64_t> memsw, std::optional<std::int64_t> memory) {
  const std::int64_t swap = memsw.value_or(0);
  const std::int64_t limit = memory.value_or(0);
  // Version 1 has no swap limit without one of memory: unlimited memory makes both unlimited.
  if (swap == 0) return limit == -1 ? std::optional<std::int64_t>(-1) : std::nullopt;
  if (swap == -1) return -1;
  if (limit == 0 || limit == -1) throw UserError("unable to set swap limit without memory limit");
  if (limit < 0) throw UserError("invalid memory value: " + std::to_string(limit));
  if (swap < limit) throw UserError("memory+swap limit should be >= memory limit");
  return swap - limit;
}

std::int64_t host_pids_limit(std::int64_t tasks) {
  if (tasks <= 0 || tasks > (kMostProcesses - kProcessesOfSandbox) / kProcessesPerTask) return -1;
  return tasks * kProcessesPerTask + kProcessesOfSandbox;
}

std::uint64_t tasks_of_host_pids(std::uint64_t host_limit) {
  if (host_limit == std::numeric_limits<std::uint64_t>::max()) return 0;
  const std::uint64_t rest = host_limit - std::min<std::uint64_t>(host_limit, kProcessesOfSandbox);
  return rest / kProcessesPerTask;
}

}  // namespace runsc
