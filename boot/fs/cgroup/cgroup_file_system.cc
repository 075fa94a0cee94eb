#include "boot/fs/cgroup/cgroup_file_system.h"

#include <linux/magic.h>

#include <algorithm>

#include "boot/fs/cgroup/register.h"
#include "boot/fs/cpu/processors.h"
#include "boot/fs/pseudo/format.h"
#include "boot/kernel/processors.h"
#include "boot/kernel/resident.h"

namespace runsc {
namespace {

using ull = unsigned long long;
using Shown = ControlGroup::ShownLimits;

// "No limit" of version 1: the largest number of whole pages.
constexpr ull kUnlimited = 0x7ffffffffffff000;

void add_value(FixedDirectory& directory, const char* name, std::string value) {
  directory.add_text(name, [value = std::move(value) + "\n"]() -> Result<std::string> { return value; });
}

// The ids of all processes, or of all threads.
void add_members(FixedDirectory& directory, const char* name, CgroupFileSystem& file_system, bool threads) {
  directory.add_text(name, [&file_system, threads]() -> Result<std::string> {
    const PidNamespace& viewer = *file_system.pid_namespace();
    std::vector<int> ids;
    {
      auto tree = file_system.kernel().tasks().lock();
      for (ThreadGroup* member : file_system.control_group().members(*tree))
        for (const TaskPtr& task : member->links(*tree).tasks)
          if (threads || member->links(*tree).leader == task.get()) ids.push_back(raw(task->tid(viewer)));
    }
    std::sort(ids.begin(), ids.end());
    std::string out;
    for (const int id : ids) append_format(out, "%d\n", id);
    return out;
  });
}

void add_task_count(FixedDirectory& directory, const char* name, CgroupFileSystem& file_system) {
  directory.add_text(name, [&file_system]() -> Result<std::string> {
    auto tree = file_system.kernel().tasks().lock();
    return std::to_string(file_system.control_group().task_count(*tree)) + "\n";
  });
}

void add_task_limit(FixedDirectory& directory, CgroupFileSystem& file_system) {
  directory.add_text("pids.max", [&file_system]() -> Result<std::string> {
    auto tree = file_system.kernel().tasks().lock();
    const std::size_t limit = file_system.control_group().max_tasks(*tree);
    return (limit == ControlGroup::kNoLimit ? "max" : std::to_string(limit)) + "\n";
  });
  directory.add_text("pids.events", [&file_system]() -> Result<std::string> {
    auto tree = file_system.kernel().tasks().lock();
    return "max " + std::to_string(file_system.control_group().refused(*tree)) + "\n";
  });
}

// `unlimited`: what stands there without a limit.
void add_memory_limit(FixedDirectory& directory, const char* name, CgroupFileSystem& file_system,
                      std::string unlimited) {
  directory.add_text(name, [&file_system, unlimited = std::move(unlimited)]() -> Result<std::string> {
    const std::uint64_t limit = file_system.control_group().shown_memory;
    return (limit == 0 ? unlimited : std::to_string(limit)) + "\n";
  });
}

// Text that `show` makes of the container's limits.
template <typename Show>
void add_shown(FixedDirectory& directory, const char* name, CgroupFileSystem& file_system, Show show) {
  directory.add_text(name, [&file_system, show]() -> Result<std::string> {
    return show(file_system.control_group().shown_limits) + "\n";
  });
}

void add_number(FixedDirectory& directory, const char* name, CgroupFileSystem& file_system,
                std::atomic<std::int64_t> Shown::*which, std::string unlimited) {
  add_shown(directory, name, file_system, [which, unlimited = std::move(unlimited)](const Shown& limits) {
    const std::int64_t value = (limits.*which).load();
    return value < 0 ? unlimited : std::to_string(value);
  });
}

void add_processor_list(FixedDirectory& directory, const char* name) {
  directory.add_text(name, []() -> Result<std::string> { return list_text(allowed_processors()) + "\n"; });
}

// What the container's processes have in memory; what the sandbox itself needs is none of theirs.
void add_memory_in_use(FixedDirectory& directory, const char* name, CgroupFileSystem& file_system) {
  directory.add_text(name, [&file_system]() -> Result<std::string> {
    return std::to_string(resident(file_system.kernel(), file_system.control_group()).total()) + "\n";
  });
}

// cpu.weight of cpu.shares, as runc converts it.
std::string weight_text(const Shown& limits) {
  const std::int64_t shares = std::clamp<std::int64_t>(limits.cpu_shares, 2, 262144);
  return std::to_string(1 + (shares - 2) * 9999 / 262142);
}

std::string quota_text(const Shown& limits) {
  const std::int64_t quota = limits.cpu_quota.load();
  return (quota > 0 ? std::to_string(quota) : "max") + " " + std::to_string(limits.cpu_period.load());
}

// Version 2 counts swap alone.
std::string swap_text(std::uint64_t memory, const Shown& limits) {
  const std::int64_t both = limits.memory_swap.load();
  if (both < 0 || memory == 0) return "max";
  return std::to_string(both - std::min(both, static_cast<std::int64_t>(memory)));
}

void fill_memory_2(FixedDirectory& root, CgroupFileSystem& file_system) {
  add_memory_in_use(root, "memory.current", file_system);
  add_memory_limit(root, "memory.max", file_system, "max");
  add_value(root, "memory.high", "max");
  add_shown(root, "memory.swap.max", file_system, [&file_system](const Shown& limits) {
    return swap_text(file_system.control_group().shown_memory, limits);
  });
  add_number(root, "memory.low", file_system, &Shown::memory_reservation, "0");
  for (const char* name : {"memory.min", "memory.swap.current"}) add_value(root, name, "0");
  add_value(root, "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0");
  root.add_text("memory.stat", [&file_system]() -> Result<std::string> {
    const Resident use = resident(file_system.kernel(), file_system.control_group());
    std::string out;
    append_format(out, "anon %llu\nfile %llu\nkernel 0\nshmem %llu\n", ull{use.anonymous},
                  ull{use.file + use.shared_memory}, ull{use.shared_memory});
    append_format(out, "inactive_anon 0\nactive_anon %llu\ninactive_file 0\nactive_file %llu\n", ull{use.anonymous},
                  ull{use.file});
    return out;
  });
}

void fill_version_2(FixedDirectory& root, CgroupFileSystem& file_system) {
  add_value(root, "cgroup.controllers", "cpuset cpu memory pids");
  add_value(root, "cgroup.subtree_control", "");
  add_value(root, "cgroup.events", "populated 1\nfrozen 0");
  add_value(root, "cgroup.max.depth", "max");
  add_value(root, "cgroup.max.descendants", "max");
  add_value(root, "cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0");
  add_value(root, "cgroup.type", "domain");
  add_members(root, "cgroup.procs", file_system, false);
  add_members(root, "cgroup.threads", file_system, true);
  add_shown(root, "cpu.max", file_system, quota_text);
  add_shown(root, "cpu.weight", file_system, weight_text);
  add_value(root, "cpuset.cpus", "");
  add_processor_list(root, "cpuset.cpus.effective");
  add_value(root, "cpuset.mems", "");
  add_value(root, "cpuset.mems.effective", "0");
  fill_memory_2(root, file_system);
  add_task_count(root, "pids.current", file_system);
  add_task_limit(root, file_system);
}

void fill_controller(FixedDirectory& directory, CgroupFileSystem& file_system) {
  add_members(directory, "cgroup.procs", file_system, false);
  add_members(directory, "tasks", file_system, true);
  add_value(directory, "cgroup.clone_children", "0");
  add_value(directory, "notify_on_release", "0");
}

void fill_memory_1(FixedDirectory& memory, CgroupFileSystem& file_system) {
  add_memory_limit(memory, "memory.limit_in_bytes", file_system, std::to_string(kUnlimited));
  add_number(memory, "memory.memsw.limit_in_bytes", file_system, &Shown::memory_swap, std::to_string(kUnlimited));
  add_number(memory, "memory.soft_limit_in_bytes", file_system, &Shown::memory_reservation, std::to_string(kUnlimited));
  for (const char* name : {"memory.usage_in_bytes", "memory.memsw.usage_in_bytes"})
    add_memory_in_use(memory, name, file_system);
  memory.add_text("memory.stat", [&file_system]() -> Result<std::string> {
    const ControlGroup& group = file_system.control_group();
    const ull limit = group.shown_memory == 0 ? kUnlimited : group.shown_memory.load();
    const std::int64_t both = group.shown_limits.memory_swap;
    const Resident use = resident(file_system.kernel(), file_system.control_group());
    std::string out;
    for (const char* prefix : {"", "total_"}) {
      append_format(out, "%scache %llu\n%srss %llu\n%smapped_file %llu\n", prefix, ull{use.file + use.shared_memory},
                    prefix, ull{use.anonymous}, prefix, ull{use.file});
      append_format(out, "%sinactive_file 0\n%sactive_file %llu\n", prefix, prefix, ull{use.file});
    }
    append_format(out, "hierarchical_memory_limit %llu\nhierarchical_memsw_limit %llu\n", limit,
                  both < 0 ? kUnlimited : static_cast<ull>(both));
    return out;
  });
}

void fill_version_1(FixedDirectory& root, CgroupFileSystem& file_system) {
  const auto controller = [&](const char* name) -> FixedDirectory& {
    FixedDirectory& directory = root.add_directory(name, 0755);
    fill_controller(directory, file_system);
    return directory;
  };
  FixedDirectory& cpu = controller("cpu");
  add_number(cpu, "cpu.cfs_period_us", file_system, &Shown::cpu_period, "100000");
  add_number(cpu, "cpu.cfs_quota_us", file_system, &Shown::cpu_quota, "-1");
  add_number(cpu, "cpu.shares", file_system, &Shown::cpu_shares, "1024");
  FixedDirectory& cpuset = controller("cpuset");
  for (const char* name : {"cpuset.cpus", "cpuset.effective_cpus"}) add_processor_list(cpuset, name);
  add_value(cpuset, "cpuset.mems", "0");
  add_value(cpuset, "cpuset.effective_mems", "0");
  fill_memory_1(controller("memory"), file_system);
  FixedDirectory& pids = controller("pids");
  add_task_count(pids, "pids.current", file_system);
  add_task_limit(pids, file_system);
  for (const char* name : {"blkio", "cpuacct", "devices", "freezer"}) controller(name);
}

}  // namespace

std::shared_ptr<CgroupFileSystem> CgroupFileSystem::create(Kernel& kernel, PidNamespacePtr pid_namespace,
                                                           std::shared_ptr<ControlGroup> control_group, int version) {
  std::shared_ptr<CgroupFileSystem> made(
      new CgroupFileSystem(kernel, std::move(pid_namespace), std::move(control_group), version));
  auto root = std::make_shared<FixedDirectory>(*made, 0755);
  if (version == 2) {
    fill_version_2(*root, *made);
  } else {
    fill_version_1(*root, *made);
  }
  made->root_ = std::move(root);
  return made;
}

Result<struct statfs> CgroupFileSystem::statistics() {
  struct statfs out {};
  out.f_type = version_ == 2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC;
  out.f_bsize = out.f_frsize = 4096;
  out.f_namelen = 255;
  return out;
}

void register_cgroup(Kernel& kernel, VfsServices& services) {
  for (const int version : {1, 2})
    services.file_systems.add(
        version == 2 ? "cgroup2" : "cgroup", false,
        [&kernel, version](CurrentTask*, const MountRequest& request) -> Result<FileSystemPtr> {
          const PidNamespacePtr& viewer = request.pid_namespace ? request.pid_namespace : kernel.root_pid_namespace();
          const auto& shown = request.control_group ? request.control_group : kernel.root_control_group();
          return FileSystemPtr(CgroupFileSystem::create(kernel, viewer, shown, version));
        });
}

}  // namespace runsc
