#include "sandbox/cgroup/conversions.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <sstream>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

// See README.md, "The number of processes".
constexpr std::int64_t kProcessesPerTask = 4;
constexpr std::int64_t kProcessesOfSandbox = 64;
// Linux' own limit of process numbers: beyond it a limit limits nothing.
constexpr std::int64_t kMostProcesses = 4194304;
// More than Linux can be built for.
constexpr unsigned kMostProcessors = 65536;

std::optional<unsigned> whole_number(const std::string& text) {
  unsigned out = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, out);
  return error == std::errc{} && rest == end && out < kMostProcessors ? std::optional(out) : std::nullopt;
}

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

std::vector<unsigned> bytes_of_list(const std::string& list) {
  std::vector<unsigned> out;
  std::istringstream ranges(list);
  for (std::string range; std::getline(ranges, range, ',');) {
    const std::size_t dash = range.find('-');
    const auto first = whole_number(range.substr(0, dash));
    const auto last = dash == std::string::npos ? first : whole_number(range.substr(dash + 1));
    if (!first || !last || *last < *first) return {};
    if (out.size() <= *last / 8) out.resize(*last / 8 + 1);
    for (unsigned i = *first; i <= *last; ++i) out[i / 8] |= 1U << (i % 8);
  }
  return out;
}

}  // namespace runsc
