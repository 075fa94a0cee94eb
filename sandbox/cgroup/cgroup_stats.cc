#include "sandbox/cgroup/cgroup_stats.h"

#include <sstream>

#include "sandbox/cgroup/container_cgroup.h"

namespace runsc {
namespace {

using Json = nlohmann::ordered_json;

// runc leaves out some numbers that are 0, and some not: its readers have only seen it so.
void put_unless_zero(Json& out, const char* key, std::uint64_t value) {
  if (value != 0) out[key] = value;
}

template <typename T>
void put_unless_empty(Json& out, const char* key, const std::vector<T>& list) {
  if (!list.empty()) out[key] = list;
}

Json cpu_to_json(const CpuStats& cpu) {
  Json usage = Json::object();
  put_unless_zero(usage, "total", cpu.total);
  put_unless_empty(usage, "percpu", cpu.percpu);
  put_unless_empty(usage, "percpu_kernel", cpu.percpu_kernel);
  put_unless_empty(usage, "percpu_user", cpu.percpu_user);
  usage["kernel"] = cpu.kernel;
  usage["user"] = cpu.user;
  Json throttling = Json::object();
  put_unless_zero(throttling, "periods", cpu.periods);
  put_unless_zero(throttling, "throttledPeriods", cpu.throttled_periods);
  put_unless_zero(throttling, "throttledTime", cpu.throttled_time);
  Json out;
  out["usage"] = usage;
  out["throttling"] = throttling;
  return out;
}

Json cpuset_to_json(const CpusetStats& cpuset) {
  const auto flag = [&](const char* name) { return cpuset.flags.contains(name) ? cpuset.flags.at(name) : 0; };
  Json out = Json::object();
  put_unless_empty(out, "cpus", cpuset.cpus);
  out["cpu_exclusive"] = flag("cpu_exclusive");
  put_unless_empty(out, "mems", cpuset.mems);
  for (const char* name : {"mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
                           "memory_spread_slab", "memory_pressure", "sched_load_balance"}) {
    out[name] = flag(name);
  }
  out["sched_relax_domain_level"] = cpuset.sched_relax_domain_level;
  return out;
}

Json entry_to_json(const MemoryEntry& entry) {
  Json out;
  out["limit"] = entry.limit;
  put_unless_zero(out, "usage", entry.usage);
  put_unless_zero(out, "max", entry.max);
  out["failcnt"] = entry.failcnt;
  return out;
}

Json memory_to_json(const MemoryStats& memory) {
  Json out = Json::object();
  put_unless_zero(out, "cache", memory.cache);
  out["usage"] = entry_to_json(memory.usage);
  out["swap"] = entry_to_json(memory.swap);
  out["kernel"] = entry_to_json(memory.kernel);
  out["kernelTCP"] = entry_to_json(memory.kernel_tcp);
  if (!memory.raw.empty()) out["raw"] = memory.raw;
  return out;
}

Json blkio_to_json(const std::map<std::string, std::vector<BlkioEntry>>& blkio) {
  Json out = Json::object();
  for (const auto& [name, entries] : blkio) {
    if (entries.empty()) continue;
    Json list = Json::array();
    for (const BlkioEntry& entry : entries) {
      Json one = Json::object();
      put_unless_zero(one, "major", entry.major);
      put_unless_zero(one, "minor", entry.minor);
      if (!entry.op.empty()) one["op"] = entry.op;
      put_unless_zero(one, "value", entry.value);
      list.push_back(one);
    }
    out[name] = list;
  }
  return out;
}

Json hugetlb_to_json(const std::map<std::string, HugetlbStats>& hugetlb) {
  Json out = Json::object();
  for (const auto& [size, stats] : hugetlb) {
    Json one = Json::object();
    put_unless_zero(one, "usage", stats.usage);
    put_unless_zero(one, "max", stats.max);
    one["failcnt"] = stats.failcnt;
    out[size] = one;
  }
  return out;
}

}  // namespace

CgroupStats read_cgroup_stats(const CgroupHost& host, const std::vector<std::string>& entries) {
  CgroupStats stats;
  for (const std::string& directory : cgroup_directories_of(entries)) {
    const Hierarchy* hierarchy = host.containing(directory);
    if (hierarchy == nullptr) continue;
    if (hierarchy->unified && host.mode == CgroupMode::kUnified) add_stats_v2(directory, stats);
    for (const std::string& controller : hierarchy->controllers) add_stats_v1(controller, directory, stats);
  }
  return stats;
}

nlohmann::ordered_json stats_to_json(const CgroupStats& stats) {
  Json pids = Json::object();
  put_unless_zero(pids, "current", stats.pids.current);
  put_unless_zero(pids, "limit", stats.pids.limit);
  Json out;
  out["cpu"] = cpu_to_json(stats.cpu);
  out["cpuset"] = cpuset_to_json(stats.cpuset);
  out["memory"] = memory_to_json(stats.memory);
  out["pids"] = pids;
  out["blkio"] = blkio_to_json(stats.blkio);
  out["hugetlb"] = hugetlb_to_json(stats.hugetlb);
  out["intel_rdt"] = Json::object();
  out["network_interfaces"] = nullptr;
  return out;
}

std::map<std::string, std::uint64_t> parse_flat_keyed(const std::string& text) {
  std::map<std::string, std::uint64_t> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string key;
    std::uint64_t value = 0;
    if (words >> key >> value) out[key] = value;
  }
  return out;
}

std::vector<std::uint16_t> parse_number_list(const std::string& text) {
  std::vector<std::uint16_t> out;
  std::istringstream ranges(text);
  for (std::string range; std::getline(ranges, range, ',');) {
    std::istringstream numbers(range);
    unsigned first = 0;
    unsigned last = 0;
    char dash = 0;
    if (!(numbers >> first)) continue;
    if (!(numbers >> dash >> last) || dash != '-') last = first;
    for (unsigned number = first; number <= last && number <= 0xffff; ++number) {
      out.push_back(static_cast<std::uint16_t>(number));
    }
  }
  return out;
}

}  // namespace runsc
