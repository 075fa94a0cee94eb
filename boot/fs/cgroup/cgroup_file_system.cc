#include "boot/fs/cgroup/cgroup_file_system.h"

#include <linux/magic.h>
#include <sys/sysinfo.h>

#include <algorithm>

#include "boot/fs/cgroup/register.h"
#include "boot/fs/cpu/processors.h"
#include "boot/fs/pseudo/format.h"

namespace runsc {
namespace {

using ull = unsigned long long;

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

std::string memory_in_use() {
  struct sysinfo host {};
  ::sysinfo(&host);
  return std::to_string(ull{host.totalram - host.freeram} * host.mem_unit) + "\n";
}

void add_memory_in_use(FixedDirectory& directory, const char* name) {
  directory.add_text(name, []() -> Result<std::string> { return memory_in_use(); });
}

void fill_version_2(FixedDirectory& root, CgroupFileSystem& file_system) {
  const std::string cpus = list_text(first_processors(processor_count()));
  add_value(root, "cgroup.controllers", "cpuset cpu memory pids");
  add_value(root, "cgroup.subtree_control", "");
  add_value(root, "cgroup.events", "populated 1\nfrozen 0");
  add_value(root, "cgroup.max.depth", "max");
  add_value(root, "cgroup.max.descendants", "max");
  add_value(root, "cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0");
  add_value(root, "cgroup.type", "domain");
  add_members(root, "cgroup.procs", file_system, false);
  add_members(root, "cgroup.threads", file_system, true);
  add_value(root, "cpu.max", "max 100000");
  add_value(root, "cpu.weight", "100");
  add_value(root, "cpuset.cpus", "");
  add_value(root, "cpuset.cpus.effective", cpus);
  add_value(root, "cpuset.mems", "");
  add_value(root, "cpuset.mems.effective", "0");
  add_memory_in_use(root, "memory.current");
  add_memory_limit(root, "memory.max", file_system, "max");
  for (const char* name : {"memory.high", "memory.swap.max"}) add_value(root, name, "max");
  for (const char* name : {"memory.min", "memory.low", "memory.swap.current"}) add_value(root, name, "0");
  add_value(root, "memory.events", "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0");
  add_task_count(root, "pids.current", file_system);
  add_task_limit(root, file_system);
}

void fill_controller(FixedDirectory& directory, CgroupFileSystem& file_system) {
  add_members(directory, "cgroup.procs", file_system, false);
  add_members(directory, "tasks", file_system, true);
  add_value(directory, "cgroup.clone_children", "0");
  add_value(directory, "notify_on_release", "0");
}

void fill_version_1(FixedDirectory& root, CgroupFileSystem& file_system) {
  const auto controller = [&](const char* name) -> FixedDirectory& {
    FixedDirectory& directory = root.add_directory(name, 0755);
    fill_controller(directory, file_system);
    return directory;
  };
  const std::string cpus = list_text(first_processors(processor_count()));
  FixedDirectory& cpu = controller("cpu");
  add_value(cpu, "cpu.cfs_period_us", "100000");
  add_value(cpu, "cpu.cfs_quota_us", "-1");
  add_value(cpu, "cpu.shares", "1024");
  FixedDirectory& cpuset = controller("cpuset");
  add_value(cpuset, "cpuset.cpus", cpus);
  add_value(cpuset, "cpuset.effective_cpus", cpus);
  add_value(cpuset, "cpuset.mems", "0");
  add_value(cpuset, "cpuset.effective_mems", "0");
  FixedDirectory& memory = controller("memory");
  add_memory_limit(memory, "memory.limit_in_bytes", file_system, std::to_string(kUnlimited));
  for (const char* name : {"memory.soft_limit_in_bytes", "memory.memsw.limit_in_bytes"})
    add_value(memory, name, std::to_string(kUnlimited));
  add_memory_in_use(memory, "memory.usage_in_bytes");
  add_value(memory, "memory.stat", "hierarchical_memory_limit " + std::to_string(kUnlimited));
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
