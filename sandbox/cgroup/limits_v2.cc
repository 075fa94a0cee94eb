#include <cerrno>
#include <sstream>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/conversions.h"
#include "sandbox/cgroup/limits.h"

namespace runsc {
namespace {

using oci::Resources;

// Writes to the files of one controller; the error for a controller that the cgroup does not have names it.
class Controller {
 public:
  Controller(const CgroupDirectory& directory, std::string name) : directory_(directory), name_(std::move(name)) {}

  bool has(const std::string& file) const { return directory_.has(file); }

  void write(const std::string& file, const std::string& value) const {
    const int error = directory_.try_write(file, value);
    if (error == 0) return;
    // EACCES: cgroup files cannot be made, so that is what O_TRUNC of one that is missing gives to all but root.
    if ((error == ENOENT || error == EACCES) && !is_enabled()) {
      throw UserError("cannot set " + name_ + " limit: controller \"" + name_ + "\" is not available in " +
                      directory_.path());
    }
    throw_system_error("write \"" + value + "\" to " + directory_.path() + "/" + file, error);
  }

 private:
  bool is_enabled() const {
    std::istringstream stream(directory_.read("cgroup.controllers").value_or(""));
    for (std::string word; stream >> word;) {
      if (word == name_) return true;
    }
    return false;
  }

  const CgroupDirectory& directory_;
  const std::string name_;
};

void set_cpu(const CgroupDirectory& directory, const oci::CpuResources& cpu) {
  if (is_set(cpu.realtime_period) || is_set(cpu.realtime_runtime)) {
    throw UserError(
        "linux.resources.cpu: realtimePeriod and realtimeRuntime do not exist on cgroup v2: leave them out");
  }
  const Controller controller(directory, "cpu");
  if (is_set(cpu.idle)) controller.write("cpu.idle", std::to_string(*cpu.idle));
  // An idle group has no weight.
  if (is_set(cpu.shares) && cpu.idle.value_or(0) != 1) {
    controller.write("cpu.weight", std::to_string(cpu_weight_from_shares(*cpu.shares)));
  }
  // The kernel wants the burst to be no more than the quota at every moment: so it may fail now and fit afterwards.
  const bool late_burst =
      is_set(cpu.burst) && directory.try_write("cpu.max.burst", std::to_string(*cpu.burst)) == EINVAL;
  if (is_set(cpu.burst) && !late_burst) controller.write("cpu.max.burst", std::to_string(*cpu.burst));
  if (is_set(cpu.quota) || is_set(cpu.period)) {
    const std::int64_t quota = cpu.quota.value_or(0);
    const std::uint64_t period = is_set(cpu.period) ? *cpu.period : 100000;
    controller.write("cpu.max", (quota > 0 ? std::to_string(quota) : "max") + " " + std::to_string(period));
  }
  if (late_burst) controller.write("cpu.max.burst", std::to_string(*cpu.burst));
}

void set_cpuset(const CgroupDirectory& directory, const oci::CpuResources& cpu) {
  const Controller controller(directory, "cpuset");
  if (!cpu.cpus.empty()) controller.write("cpuset.cpus", cpu.cpus);
  if (!cpu.mems.empty()) controller.write("cpuset.mems", cpu.mems);
}

void check_usage(const CgroupDirectory& directory, const oci::MemoryResources& memory) {
  if (!memory.check_before_update || memory.limit.value_or(0) <= 0) return;
  const std::uint64_t usage = directory.read_number("memory.current").value_or(0);
  if (usage > static_cast<std::uint64_t>(*memory.limit)) {
    throw UserError("rejecting memory limit " + std::to_string(*memory.limit) + ": usage is " + std::to_string(usage));
  }
}

// Swappiness and the switch of the OOM killer exist in version 1 only; runc leaves them out here without a word too.
void set_memory(const CgroupDirectory& directory, const oci::MemoryResources& memory) {
  check_usage(directory, memory);
  const Controller controller(directory, "memory");
  if (const auto swap = swap_max_from_memsw(memory.swap, memory.limit)) {
    // On a host without swap there is nothing to limit.
    const bool moot = *swap <= 0 && !controller.has("memory.swap.max") && controller.has("memory.max");
    if (!moot) controller.write("memory.swap.max", number_or_max(*swap));
  }
  if (is_set(memory.limit)) controller.write("memory.max", number_or_max(*memory.limit));
  if (is_set(memory.reservation)) controller.write("memory.low", number_or_max(*memory.reservation));
}

void set_pids(const CgroupDirectory& directory, const Resources& resources) {
  if (!is_set(resources.pids_limit)) return;
  Controller(directory, "pids").write("pids.max", number_or_max(host_pids_limit(*resources.pids_limit)));
}

std::string device_number(const auto& device) {
  return std::to_string(device.major) + ":" + std::to_string(device.minor) + " ";
}

void set_io_weights(const Controller& controller, const oci::BlockIoResources& io) {
  // BFQ has files of its own, which take the numbers of version 1.
  const bool bfq = controller.has("io.bfq.weight");
  if (is_set(io.weight)) {
    if (bfq) {
      controller.write("io.bfq.weight", std::to_string(*io.weight));
    } else {
      controller.write("io.weight", "default " + std::to_string(io_weight_from_blkio(*io.weight)));
    }
  }
  for (const oci::WeightDevice& device : io.weight_devices) {
    if (!is_set(device.weight)) continue;
    const std::uint64_t weight = bfq ? *device.weight : io_weight_from_blkio(*device.weight);
    controller.write(bfq ? "io.bfq.weight" : "io.weight", device_number(device) + std::to_string(weight));
  }
}

void set_throttles(const Controller& controller, const char* key, const std::vector<oci::ThrottleDevice>& list) {
  for (const oci::ThrottleDevice& device : list) {
    const std::string rate = device.rate == 0 ? "max" : std::to_string(device.rate);
    controller.write("io.max", device_number(device) + key + "=" + rate);
  }
}

void set_io(const CgroupDirectory& directory, const oci::BlockIoResources& io) {
  const Controller controller(directory, "io");
  set_io_weights(controller, io);
  set_throttles(controller, "rbps", io.read_bps);
  set_throttles(controller, "wbps", io.write_bps);
  set_throttles(controller, "riops", io.read_iops);
  set_throttles(controller, "wiops", io.write_iops);
}

void set_hugetlb(const CgroupDirectory& directory, const Resources& resources) {
  const Controller controller(directory, "hugetlb");
  for (const oci::HugepageLimit& limit : resources.hugepage_limits) {
    const std::string prefix = "hugetlb." + limit.page_size + ".";
    controller.write(prefix + "max", std::to_string(limit.limit));
    if (controller.has(prefix + "rsvd.max")) controller.write(prefix + "rsvd.max", std::to_string(limit.limit));
  }
}

// Any file by its name: "memory.high" -> "1000000". Last, since it may refine what the others have set.
void set_unified(const CgroupDirectory& directory, const Resources& resources) {
  for (const auto& [file, value] : resources.unified) {
    const Controller controller(directory, file.substr(0, file.find('.')));
    // "8:0 rbps=1\n8:16 rbps=2": the kernel takes one line at a time.
    std::istringstream lines(value);
    for (std::string line; std::getline(lines, line);) controller.write(file, line);
  }
}

}  // namespace

void set_limits_v2(const CgroupDirectory& directory, const Resources& resources) {
  set_pids(directory, resources);
  set_memory(directory, resources.memory);
  set_io(directory, resources.block_io);
  set_cpu(directory, resources.cpu);
  set_cpuset(directory, resources.cpu);
  set_hugetlb(directory, resources);
  set_unified(directory, resources);
  // network.classID and priorities have no equal: runc ignores them on version 2, and so do we.
}

}  // namespace runsc
