#include <algorithm>
#include <cerrno>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/conversions.h"
#include "sandbox/cgroup/limits.h"

namespace runsc {
namespace {

using oci::Resources;

void write_if_set(const CgroupDirectory& directory, const char* file, const auto& value) {
  if (is_set(value)) directory.write(file, std::to_string(*value));
}

bool wants_cpu(const Resources& resources) {
  const oci::CpuResources& cpu = resources.cpu;
  return is_set(cpu.shares) || is_set(cpu.quota) || is_set(cpu.period) || is_set(cpu.burst) || is_set(cpu.idle) ||
         is_set(cpu.realtime_period) || is_set(cpu.realtime_runtime);
}

// The kernel moves a number that it does not like to the nearest that it does, without a word.
void set_shares(const CgroupDirectory& directory, std::uint64_t shares) {
  directory.write("cpu.shares", std::to_string(shares));
  const std::uint64_t now = directory.read_number("cpu.shares").value_or(shares);
  if (shares > now) throw UserError("the maximum allowed cpu-shares is " + std::to_string(now));
  if (shares < now) throw UserError("the minimum allowed cpu-shares is " + std::to_string(now));
}

// The kernel checks each against the other's present value: what it refuses at first may be right afterwards.
void set_bandwidth(const CgroupDirectory& directory, const oci::CpuResources& cpu) {
  bool late_period = false;
  bool late_burst = false;
  if (is_set(cpu.period)) {
    late_period = is_set(cpu.quota) && directory.try_write("cpu.cfs_period_us", std::to_string(*cpu.period)) == EINVAL;
    if (!late_period) directory.write("cpu.cfs_period_us", std::to_string(*cpu.period));
  }
  if (is_set(cpu.burst)) {
    late_burst = is_set(cpu.quota) && directory.try_write("cpu.cfs_burst_us", std::to_string(*cpu.burst)) == EINVAL;
    if (!late_burst) directory.write("cpu.cfs_burst_us", std::to_string(*cpu.burst));
  }
  write_if_set(directory, "cpu.cfs_quota_us", cpu.quota);
  if (late_period) directory.write("cpu.cfs_period_us", std::to_string(*cpu.period));
  if (late_burst) directory.write("cpu.cfs_burst_us", std::to_string(*cpu.burst));
}

void set_cpu(const CgroupDirectory& directory, const Resources& resources) {
  const oci::CpuResources& cpu = resources.cpu;
  write_if_set(directory, "cpu.rt_period_us", cpu.realtime_period);
  write_if_set(directory, "cpu.rt_runtime_us", cpu.realtime_runtime);
  if (is_set(cpu.shares)) set_shares(directory, *cpu.shares);
  set_bandwidth(directory, cpu);
  write_if_set(directory, "cpu.idle", cpu.idle);
}

bool wants_cpuset(const Resources& resources) { return !resources.cpu.cpus.empty() || !resources.cpu.mems.empty(); }

void set_cpuset(const CgroupDirectory& directory, const Resources& resources) {
  if (!resources.cpu.cpus.empty()) directory.write("cpuset.cpus", resources.cpu.cpus);
  if (!resources.cpu.mems.empty()) directory.write("cpuset.mems", resources.cpu.mems);
}

bool wants_memory(const Resources& resources) {
  const oci::MemoryResources& memory = resources.memory;
  return is_set(memory.limit) || is_set(memory.swap) || is_set(memory.reservation) || memory.swappiness ||
         memory.disable_oom_killer;
}

constexpr const char kLimit[] = "memory.limit_in_bytes";
constexpr const char kSwapLimit[] = "memory.memsw.limit_in_bytes";

void set_memory_limit(const CgroupDirectory& directory, std::int64_t limit) {
  const int error = directory.try_write(kLimit, std::to_string(limit));
  if (error == 0) return;
  if (error != EBUSY)
    throw_system_error("write \"" + std::to_string(limit) + "\" to " + directory.path() + "/" + kLimit, error);
  throw UserError("unable to set memory limit to " + std::to_string(limit) +
                  " (current usage: " + std::to_string(directory.read_number("memory.usage_in_bytes").value_or(0)) +
                  ", peak usage: " + std::to_string(directory.read_number("memory.max_usage_in_bytes").value_or(0)) +
                  ")");
}

// memory.limit_in_bytes may never be above memory.memsw.limit_in_bytes, not for a moment either.
void set_memory_and_swap(const CgroupDirectory& directory, const oci::MemoryResources& memory) {
  const std::int64_t limit = memory.limit.value_or(0);
  std::int64_t swap = memory.swap.value_or(0);
  // Unlimited memory with a limit of both together would be no unlimited memory.
  if (limit == -1 && swap == 0 && directory.has(kSwapLimit)) swap = -1;
  const std::uint64_t present = directory.read_number(kLimit).value_or(0);
  const bool swap_first = swap == -1 || (swap > 0 && static_cast<std::uint64_t>(swap) > present);
  if (swap != 0 && swap_first) directory.write(kSwapLimit, std::to_string(swap));
  if (limit != 0) set_memory_limit(directory, limit);
  if (swap != 0 && !swap_first) directory.write(kSwapLimit, std::to_string(swap));
}

void check_usage(const CgroupDirectory& directory, const oci::MemoryResources& memory) {
  if (!memory.check_before_update || memory.limit.value_or(0) <= 0) return;
  const std::uint64_t usage = directory.read_number("memory.usage_in_bytes").value_or(0);
  if (usage > static_cast<std::uint64_t>(*memory.limit)) {
    throw UserError("rejecting memory limit " + std::to_string(*memory.limit) + ": usage is " + std::to_string(usage));
  }
}

void set_memory(const CgroupDirectory& directory, const Resources& resources) {
  const oci::MemoryResources& memory = resources.memory;
  check_usage(directory, memory);
  set_memory_and_swap(directory, memory);
  write_if_set(directory, "memory.soft_limit_in_bytes", memory.reservation);
  if (memory.disable_oom_killer) directory.write("memory.oom_control", "1");
  if (!memory.swappiness || *memory.swappiness == ~std::uint64_t{0}) return;
  if (*memory.swappiness > 100) {
    throw UserError("invalid memory swappiness value: " + std::to_string(*memory.swappiness) +
                    " (valid range is 0-100)");
  }
  directory.write("memory.swappiness", std::to_string(*memory.swappiness));
}

bool wants_pids(const Resources& resources) { return is_set(resources.pids_limit); }

void set_pids(const CgroupDirectory& directory, const Resources& resources) {
  if (wants_pids(resources)) directory.write("pids.max", number_or_max(host_pids_limit(*resources.pids_limit)));
}

bool wants_blkio(const Resources& resources) {
  const oci::BlockIoResources& io = resources.block_io;
  return is_set(io.weight) || is_set(io.leaf_weight) || !io.weight_devices.empty() || !io.read_bps.empty() ||
         !io.write_bps.empty() || !io.read_iops.empty() || !io.write_iops.empty();
}

std::string device_number(const auto& device) {
  return std::to_string(device.major) + ":" + std::to_string(device.minor);
}

// Which scheduler of block requests the host has decides about the name.
std::string weight_file(const CgroupDirectory& directory, const std::string& rest) {
  return directory.has("blkio." + rest) ? "blkio." + rest : "blkio.bfq." + rest;
}

void set_throttles(const CgroupDirectory& directory, const char* file, const std::vector<oci::ThrottleDevice>& list) {
  for (const oci::ThrottleDevice& device : list) {
    directory.write(file, device_number(device) + " " + std::to_string(device.rate));
  }
}

void set_blkio(const CgroupDirectory& directory, const Resources& resources) {
  const oci::BlockIoResources& io = resources.block_io;
  if (is_set(io.weight)) directory.write(weight_file(directory, "weight"), std::to_string(*io.weight));
  write_if_set(directory, "blkio.leaf_weight", io.leaf_weight);
  for (const oci::WeightDevice& device : io.weight_devices) {
    const std::string number = device_number(device) + " ";
    if (is_set(device.weight)) {
      directory.write(weight_file(directory, "weight_device"), number + std::to_string(*device.weight));
    }
    if (is_set(device.leaf_weight)) {
      directory.write("blkio.leaf_weight_device", number + std::to_string(*device.leaf_weight));
    }
  }
  set_throttles(directory, "blkio.throttle.read_bps_device", io.read_bps);
  set_throttles(directory, "blkio.throttle.write_bps_device", io.write_bps);
  set_throttles(directory, "blkio.throttle.read_iops_device", io.read_iops);
  set_throttles(directory, "blkio.throttle.write_iops_device", io.write_iops);
}

bool wants_hugetlb(const Resources& resources) { return !resources.hugepage_limits.empty(); }

void set_hugetlb(const CgroupDirectory& directory, const Resources& resources) {
  for (const oci::HugepageLimit& limit : resources.hugepage_limits) {
    const std::string prefix = "hugetlb." + limit.page_size + ".";
    directory.write(prefix + "limit_in_bytes", std::to_string(limit.limit));
    // Reserved pages are counted apart since Linux 5.7.
    if (directory.has(prefix + "rsvd.limit_in_bytes")) {
      directory.write(prefix + "rsvd.limit_in_bytes", std::to_string(limit.limit));
    }
  }
}

bool wants_class(const Resources& resources) { return is_set(resources.network.class_id); }

void set_class(const CgroupDirectory& directory, const Resources& resources) {
  write_if_set(directory, "net_cls.classid", resources.network.class_id);
}

bool wants_priorities(const Resources& resources) { return !resources.network.priorities.empty(); }

void set_priorities(const CgroupDirectory& directory, const Resources& resources) {
  for (const oci::InterfacePriority& entry : resources.network.priorities) {
    directory.write("net_prio.ifpriomap", entry.name + " " + std::to_string(entry.priority));
  }
}

}  // namespace

const std::vector<LimiterV1>& limiters_v1() {
  static const std::vector<LimiterV1> limiters = {
      {"cpuset", wants_cpuset, set_cpuset}, {"memory", wants_memory, set_memory},
      {"cpu", wants_cpu, set_cpu},          {"pids", wants_pids, set_pids},
      {"blkio", wants_blkio, set_blkio},    {"hugetlb", wants_hugetlb, set_hugetlb},
      {"net_cls", wants_class, set_class},  {"net_prio", wants_priorities, set_priorities},
  };
  return limiters;
}

}  // namespace runsc
