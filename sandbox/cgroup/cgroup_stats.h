// What the processes of a cgroup use, as `events` shows it: the fields are those of runc's JSON, the units the
// kernel's.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "sandbox/cgroup/cgroup_host.h"

namespace runsc {

struct CpuStats {
  std::uint64_t total = 0;  // nanoseconds, as all times here
  std::uint64_t kernel = 0;
  std::uint64_t user = 0;
  std::vector<std::uint64_t> percpu;  // version 1 only, as the next two
  std::vector<std::uint64_t> percpu_kernel;
  std::vector<std::uint64_t> percpu_user;
  std::uint64_t periods = 0;
  std::uint64_t throttled_periods = 0;
  std::uint64_t throttled_time = 0;
};

// Version 1 only.
struct CpusetStats {
  std::vector<std::uint16_t> cpus;
  std::vector<std::uint16_t> mems;
  std::map<std::string, std::uint64_t> flags;  // "cpu_exclusive": 0, ..
  std::int64_t sched_relax_domain_level = 0;
};

struct MemoryEntry {
  std::uint64_t limit = 0;  // bytes
  std::uint64_t usage = 0;
  std::uint64_t max = 0;      // the highest usage so far
  std::uint64_t failcnt = 0;  // how often the limit was in the way
};

struct MemoryStats {
  std::uint64_t cache = 0;
  MemoryEntry usage, swap, kernel, kernel_tcp;
  // memory.stat; and "oom_kill", how many processes the host has ended for want of memory, if it has: runc's JSON has
  // no better place for it.
  std::map<std::string, std::uint64_t> raw;
};

struct PidsStats {
  std::uint64_t current = 0;
  std::uint64_t limit = 0;  // 0: none
};

struct BlkioEntry {
  std::uint64_t major = 0;
  std::uint64_t minor = 0;
  std::string op;  // "Read", "Write", "Sync", ..
  std::uint64_t value = 0;
};

struct HugetlbStats {
  std::uint64_t usage = 0;
  std::uint64_t max = 0;
  std::uint64_t failcnt = 0;
};

struct CgroupStats {
  CpuStats cpu;
  CpusetStats cpuset;
  MemoryStats memory;
  PidsStats pids;
  std::map<std::string, std::vector<BlkioEntry>> blkio;  // "ioServiceBytesRecursive", ..
  std::map<std::string, HugetlbStats> hugetlb;           // by the size of the pages: "2MB"
};

// From the directories of a container (see container_cgroup.h). What a controller that is not there would have said
// stays 0. The processes that are counted in `pids` are the host's.
CgroupStats read_cgroup_stats(const CgroupHost& host, const std::vector<std::string>& entries);

// The "data" of runc's stats event.
nlohmann::ordered_json stats_to_json(const CgroupStats& stats);

// For read_cgroup_stats(), one version each. Version 1 is asked once for each controller, which adds what it knows.
void add_stats_v1(const std::string& controller, const std::string& directory, CgroupStats& stats);
void add_stats_v2(const std::string& directory, CgroupStats& stats);

// "name value\n" lines, as in memory.stat.
std::map<std::string, std::uint64_t> parse_flat_keyed(const std::string& text);
// "0-2,7": {0, 1, 2, 7}.
std::vector<std::uint16_t> parse_number_list(const std::string& text);

}  // namespace runsc
