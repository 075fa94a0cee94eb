#include <sstream>

#include "sandbox/cgroup/cgroup_directory.h"
#include "sandbox/cgroup/cgroup_stats.h"
#include "sandbox/cgroup/conversions.h"
#include "sandbox/cgroup/hugepage_sizes.h"

namespace runsc {
namespace {

constexpr std::uint64_t kNanosecondsPerMicrosecond = 1000;

using Values = std::map<std::string, std::uint64_t>;

std::uint64_t value_of(const Values& values, const char* key) { return values.contains(key) ? values.at(key) : 0; }

Values keyed(const CgroupDirectory& directory, const char* file) {
  return parse_flat_keyed(directory.read(file).value_or(""));
}

std::uint64_t number(const CgroupDirectory& directory, const std::string& file) {
  return directory.read_number(file).value_or(0);
}

void add_cpu(const CgroupDirectory& directory, CpuStats& cpu) {
  const Values stat = keyed(directory, "cpu.stat");
  cpu.total = value_of(stat, "usage_usec") * kNanosecondsPerMicrosecond;
  cpu.user = value_of(stat, "user_usec") * kNanosecondsPerMicrosecond;
  cpu.kernel = value_of(stat, "system_usec") * kNanosecondsPerMicrosecond;
  cpu.periods = value_of(stat, "nr_periods");
  cpu.throttled_periods = value_of(stat, "nr_throttled");
  cpu.throttled_time = value_of(stat, "throttled_usec") * kNanosecondsPerMicrosecond;
}

void add_memory(const CgroupDirectory& directory, MemoryStats& memory) {
  memory.raw = keyed(directory, "memory.stat");
  memory.cache = value_of(memory.raw, "file");
  const Values events = keyed(directory, "memory.events");
  if (const std::uint64_t kills = value_of(events, "oom_kill"); kills != 0) memory.raw["oom_kill"] = kills;
  memory.usage = {.limit = number(directory, "memory.max"),
                  .usage = number(directory, "memory.current"),
                  .max = number(directory, "memory.peak"),
                  .failcnt = value_of(events, "max")};
  if (!directory.has("memory.swap.current")) return;
  // Readers know version 1, which counts memory and swap together.
  memory.swap.usage = number(directory, "memory.swap.current") + memory.usage.usage;
  const std::uint64_t swap_limit = number(directory, "memory.swap.max");
  const std::uint64_t sum = memory.usage.limit + swap_limit;
  memory.swap.limit = sum < swap_limit ? ~std::uint64_t{0} : sum;
}

void add_pids(const CgroupDirectory& directory, PidsStats& pids) {
  pids.current = number(directory, "pids.current");
  pids.limit = tasks_of_host_pids(number(directory, "pids.max"));
}

// "8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0".
void add_io(const CgroupDirectory& directory, CgroupStats& stats) {
  struct Kind {
    const char* key;
    const char* list;
    const char* op;
  };
  // Readers know the operations of version 1, which has no discards.
  static constexpr Kind kKinds[] = {{"rbytes", "ioServiceBytesRecursive", "Read"},
                                    {"wbytes", "ioServiceBytesRecursive", "Write"},
                                    {"rios", "ioServicedRecursive", "Read"},
                                    {"wios", "ioServicedRecursive", "Write"}};
  std::istringstream lines(directory.read("io.stat").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    BlkioEntry entry;
    char colon = 0;
    if (!(words >> entry.major >> colon >> entry.minor) || colon != ':') continue;
    for (std::string word; words >> word;) {
      for (const Kind& kind : kKinds) {
        const std::string prefix = std::string(kind.key) + "=";
        if (word.rfind(prefix, 0) != 0) continue;
        entry.op = kind.op;
        std::istringstream(word.substr(prefix.size())) >> entry.value;
        stats.blkio[kind.list].push_back(entry);
      }
    }
  }
}

void add_hugetlb(const CgroupDirectory& directory, CgroupStats& stats) {
  for (const std::string& size : hugepage_sizes()) {
    const std::string prefix = "hugetlb." + size;
    if (!directory.has(prefix + ".current")) continue;
    stats.hugetlb[size] = {.usage = number(directory, prefix + ".current"),
                           .max = 0,
                           .failcnt = value_of(keyed(directory, (prefix + ".events").c_str()), "max")};
  }
}

}  // namespace

void add_stats_v2(const std::string& path, CgroupStats& stats) {
  const CgroupDirectory directory(path);
  add_cpu(directory, stats.cpu);
  add_memory(directory, stats.memory);
  add_pids(directory, stats.pids);
  add_io(directory, stats);
  add_hugetlb(directory, stats);
}

}  // namespace runsc
