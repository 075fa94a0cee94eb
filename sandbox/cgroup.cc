#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/parse.h"

namespace runsc {
namespace {

// One mounted hierarchy of version 1, or the unified one.
struct Hierarchy {
  std::string mount_point;
  std::vector<std::string> controllers;  // empty for a named or unified hierarchy
  bool unified = false;
};

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
  return out;
}

std::vector<Hierarchy> list_hierarchies() {
  static constexpr const char* kControllers[] = {"cpu",   "cpuacct", "cpuset",  "memory", "pids",
                                                 "blkio", "devices", "freezer", "hugetlb"};
  std::vector<Hierarchy> out;
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);) {
    const auto halves = line.find(" - ");
    if (halves == std::string::npos) continue;
    const auto before = split(line.substr(0, halves), ' ');
    const auto after = split(line.substr(halves + 3), ' ');
    if (before.size() < 5 || after.size() < 3) continue;
    if (after[0] == "cgroup2") out.push_back({before[4], {}, true});
    if (after[0] != "cgroup") continue;
    Hierarchy hierarchy{before[4], {}, false};
    for (const std::string& option : split(after[2], ',')) {
      for (const char* name : kControllers) {
        if (option == name) hierarchy.controllers.push_back(option);
      }
    }
    if (!hierarchy.controllers.empty()) out.push_back(hierarchy);
  }
  return out;
}

void write_setting(const std::string& path, const std::string& value) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    throw_system_error("write \"" + value + "\" to " + path);
  }
}

template <typename T>
void write_optional(const std::string& path, const std::optional<T>& value) {
  if (value && *value != T{0}) write_setting(path, std::to_string(*value));
}

// A new cpuset has no processors, and takes no process, until it is told which.
void inherit_cpuset(const std::filesystem::path& directory) {
  for (const char* name : {"cpuset.cpus", "cpuset.mems"}) {
    std::string own;
    std::ifstream(directory / name) >> own;
    if (!own.empty()) continue;
    std::string parent;
    std::ifstream(directory.parent_path() / name) >> parent;
    write_setting(directory / name, parent);
  }
}

std::string directory_in(const Hierarchy& hierarchy, const std::string& path) {
  return oci::clean_path(hierarchy.mount_point + "/" + path);
}

void make_directory(const Hierarchy& hierarchy, const std::string& path) {
  const bool cpuset = hierarchy.controllers == std::vector<std::string>{"cpuset"};
  std::string directory = hierarchy.mount_point;
  for (const std::string& part : split(path, '/')) {
    if (part.empty()) continue;
    directory += "/" + part;
    const bool is_new = ::mkdir(directory.c_str(), 0755) == 0;
    if (!is_new && errno != EEXIST) throw_system_error("create cgroup " + directory);
    if (cpuset) inherit_cpuset(directory);
  }
}

void limit_memory(const std::string& directory, const oci::MemoryResources& memory) {
  write_optional(directory + "/memory.limit_in_bytes", memory.limit);
  write_optional(directory + "/memory.soft_limit_in_bytes", memory.reservation);
  if (memory.swap && std::filesystem::exists(directory + "/memory.memsw.limit_in_bytes")) {
    write_optional(directory + "/memory.memsw.limit_in_bytes", memory.swap);
  }
}

void limit_cpu(const std::string& directory, const oci::CpuResources& cpu) {
  write_optional(directory + "/cpu.shares", cpu.shares);
  write_optional(directory + "/cpu.cfs_period_us", cpu.period);
  write_optional(directory + "/cpu.cfs_quota_us", cpu.quota);
}

void limit(const Hierarchy& hierarchy, const std::string& directory, const oci::Resources& resources) {
  for (const std::string& controller : hierarchy.controllers) {
    if (controller == "memory") limit_memory(directory, resources.memory);
    if (controller == "cpu") limit_cpu(directory, resources.cpu);
    if (controller == "cpuset" && !resources.cpu.cpus.empty()) {
      write_setting(directory + "/cpuset.cpus", resources.cpu.cpus);
    }
    if (controller == "cpuset" && !resources.cpu.mems.empty()) {
      write_setting(directory + "/cpuset.mems", resources.cpu.mems);
    }
    // The limit of processes is the application kernel's to keep: an application thread is a process here, and the
    // sandbox has some of its own.
  }
}

void check_path(const std::string& path) {
  for (const std::string& part : split(path, '/')) {
    if (part == "..") throw UserError("config.json: linux.cgroupsPath: \"" + path + "\" leads upwards");
  }
}

}  // namespace

std::vector<std::string> plan_cgroups(const oci::Spec& spec) {
  std::vector<std::string> out;
  const std::string& path = spec.linux_.cgroups_path;
  if (path.empty()) return out;
  check_path(path);
  for (const Hierarchy& hierarchy : list_hierarchies()) out.push_back(directory_in(hierarchy, path));
  return out;
}

void create_cgroups(const oci::Spec& spec) {
  const std::string& path = spec.linux_.cgroups_path;
  if (path.empty()) return;
  try {
    for (const Hierarchy& hierarchy : list_hierarchies()) {
      make_directory(hierarchy, path);
      limit(hierarchy, directory_in(hierarchy, path), spec.linux_.resources);
    }
  } catch (const UserError&) {
    remove_cgroups(plan_cgroups(spec));
    throw;
  }
}

void enter_cgroups(const std::vector<std::string>& cgroups, pid_t pid) {
  for (const std::string& directory : cgroups) write_setting(directory + "/cgroup.procs", std::to_string(pid));
}

void remove_cgroups(const std::vector<std::string>& cgroups) noexcept {
  // A process that has just been reaped may still be counted for a moment.
  constexpr int kTries = 50;
  for (const std::string& directory : cgroups) {
    for (int i = 0; i < kTries && ::rmdir(directory.c_str()) != 0 && errno == EBUSY; ++i) ::poll(nullptr, 0, 10);
  }
}

}  // namespace runsc
