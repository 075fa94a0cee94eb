#include <unistd.h>

#include <sstream>

#include "sandbox/cgroup/cgroup_directory.h"
#include "sandbox/cgroup/cgroup_stats.h"
#include "sandbox/cgroup/conversions.h"
#include "sandbox/cgroup/hugepage_sizes.h"

namespace runsc {
namespace {

constexpr std::uint64_t kNanosecondsPerSecond = 1000000000;

std::uint64_t number(const CgroupDirectory& directory, const std::string& file) {
  return directory.read_number(file).value_or(0);
}

void add_throttling(const CgroupDirectory& directory, CpuStats& cpu) {
  const auto stat = parse_flat_keyed(directory.read("cpu.stat").value_or(""));
  const auto value = [&](const char* key) { return stat.contains(key) ? stat.at(key) : 0; };
  cpu.periods = value("nr_periods");
  cpu.throttled_periods = value("nr_throttled");
  cpu.throttled_time = value("throttled_time");
}

// "cpu user system\n0 4000000 0\n..".
void add_usage_by_mode(const CgroupDirectory& directory, CpuStats& cpu) {
  std::istringstream lines(directory.read("cpuacct.usage_all").value_or(""));
  std::string header;
  std::getline(lines, header);
  std::uint64_t processor = 0;
  std::uint64_t user = 0;
  std::uint64_t kernel = 0;
  while (lines >> processor >> user >> kernel) {
    cpu.percpu_user.push_back(user);
    cpu.percpu_kernel.push_back(kernel);
  }
}

void add_usage(const CgroupDirectory& directory, CpuStats& cpu) {
  cpu.total = number(directory, "cpuacct.usage");
  std::istringstream each(directory.read("cpuacct.usage_percpu").value_or(""));
  for (std::uint64_t value = 0; each >> value;) cpu.percpu.push_back(value);
  add_usage_by_mode(directory, cpu);
  const auto stat = parse_flat_keyed(directory.read("cpuacct.stat").value_or(""));
  const std::uint64_t tick = kNanosecondsPerSecond / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  if (stat.contains("user")) cpu.user = stat.at("user") * tick;
  if (stat.contains("system")) cpu.kernel = stat.at("system") * tick;
}

void add_cpuset(const CgroupDirectory& directory, CpusetStats& cpuset) {
  cpuset.cpus = parse_number_list(directory.read("cpuset.cpus").value_or(""));
  cpuset.mems = parse_number_list(directory.read("cpuset.mems").value_or(""));
  for (const char* flag : {"cpu_exclusive", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
                           "memory_spread_slab", "memory_pressure", "sched_load_balance"}) {
    cpuset.flags[flag] = number(directory, std::string("cpuset.") + flag);
  }
  std::istringstream(directory.read("cpuset.sched_relax_domain_level").value_or("0")) >>
      cpuset.sched_relax_domain_level;
}

MemoryEntry memory_entry(const CgroupDirectory& directory, const std::string& prefix) {
  return {.limit = number(directory, prefix + ".limit_in_bytes"),
          .usage = number(directory, prefix + ".usage_in_bytes"),
          .max = number(directory, prefix + ".max_usage_in_bytes"),
          .failcnt = number(directory, prefix + ".failcnt")};
}

void add_memory(const CgroupDirectory& directory, MemoryStats& memory) {
  memory.raw = parse_flat_keyed(directory.read("memory.stat").value_or(""));
  if (memory.raw.contains("cache")) memory.cache = memory.raw.at("cache");
  const auto control = parse_flat_keyed(directory.read("memory.oom_control").value_or(""));
  if (control.contains("oom_kill") && control.at("oom_kill") != 0) memory.raw["oom_kill"] = control.at("oom_kill");
  memory.usage = memory_entry(directory, "memory");
  memory.swap = memory_entry(directory, "memory.memsw");
  memory.kernel = memory_entry(directory, "memory.kmem");
  memory.kernel_tcp = memory_entry(directory, "memory.kmem.tcp");
}

// "8:0 Read 4096\n..\nTotal 4096", or without the operation.
std::vector<BlkioEntry> blkio_entries(const CgroupDirectory& directory, const std::string& file) {
  std::vector<BlkioEntry> out;
  std::istringstream lines(directory.read(file).value_or(""));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    BlkioEntry entry;
    char colon = 0;
    if (!(words >> entry.major >> colon >> entry.minor) || colon != ':') continue;
    if (!(words >> std::ws) || (std::isdigit(words.peek()) == 0 && !(words >> entry.op))) continue;
    if (words >> entry.value) out.push_back(std::move(entry));
  }
  return out;
}

// The scheduler's own counters where it keeps them, the ones of throttling elsewhere.
void add_blkio(const CgroupDirectory& directory, CgroupStats& stats) {
  const bool bfq = !blkio_entries(directory, "blkio.bfq.io_serviced_recursive").empty();
  const std::string prefix = bfq ? "blkio.bfq." : "blkio.throttle.";
  stats.blkio["ioServiceBytesRecursive"] = blkio_entries(directory, prefix + "io_service_bytes_recursive");
  stats.blkio["ioServicedRecursive"] = blkio_entries(directory, prefix + "io_serviced_recursive");
  if (!bfq) return;
  stats.blkio["ioQueueRecursive"] = blkio_entries(directory, "blkio.bfq.io_queued_recursive");
  stats.blkio["ioServiceTimeRecursive"] = blkio_entries(directory, "blkio.bfq.io_service_time_recursive");
  stats.blkio["ioWaitTimeRecursive"] = blkio_entries(directory, "blkio.bfq.io_wait_time_recursive");
  stats.blkio["ioMergedRecursive"] = blkio_entries(directory, "blkio.bfq.io_merged_recursive");
  stats.blkio["ioTimeRecursive"] = blkio_entries(directory, "blkio.bfq.time_recursive");
  stats.blkio["sectorsRecursive"] = blkio_entries(directory, "blkio.bfq.sectors_recursive");
}

void add_hugetlb(const CgroupDirectory& directory, CgroupStats& stats) {
  for (const std::string& size : hugepage_sizes()) {
    const std::string prefix = "hugetlb." + size;
    if (!directory.has(prefix + ".usage_in_bytes")) continue;
    stats.hugetlb[size] = {.usage = number(directory, prefix + ".usage_in_bytes"),
                           .max = number(directory, prefix + ".max_usage_in_bytes"),
                           .failcnt = number(directory, prefix + ".failcnt")};
  }
}

void add_pids(const CgroupDirectory& directory, PidsStats& pids) {
  pids.current = number(directory, "pids.current");
  pids.limit = tasks_of_host_pids(number(directory, "pids.max"));
}

}  // namespace

void add_stats_v1(const std::string& controller, const std::string& path, CgroupStats& stats) {
  const CgroupDirectory directory(path);
  if (controller == "cpu") add_throttling(directory, stats.cpu);
  if (controller == "cpuacct") add_usage(directory, stats.cpu);
  if (controller == "cpuset") add_cpuset(directory, stats.cpuset);
  if (controller == "memory") add_memory(directory, stats.memory);
  if (controller == "pids") add_pids(directory, stats.pids);
  if (controller == "blkio") add_blkio(directory, stats);
  if (controller == "hugetlb") add_hugetlb(directory, stats);
}

}  // namespace runsc
