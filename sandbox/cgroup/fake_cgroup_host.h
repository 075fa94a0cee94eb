// A host's cgroups made of ordinary files, for tests.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sandbox/cgroup/cgroup_host.h"

namespace runsc {

class FakeCgroupHost {
 public:
  FakeCgroupHost() {
    char path[] = "/tmp/runsc-cgroup-test.XXXXXX";
    root_ = ::mkdtemp(path);
    std::filesystem::create_directories(root_ + "/proc/self");
    std::filesystem::create_directories(root_ + "/proc/1");
  }
  ~FakeCgroupHost() { std::filesystem::remove_all(root_); }
  FakeCgroupHost(const FakeCgroupHost&) = delete;
  FakeCgroupHost& operator=(const FakeCgroupHost&) = delete;

  const std::string& root() const { return root_; }
  CgroupHost detect() const { return detect_cgroup_host(root_ + "/proc"); }

  // `options` is "rw,cpu,cpuacct"; `own` the cgroup of this process in it, `init` that of process 1. Returns the mount
  // point.
  std::string mount_v1(const std::string& name, const std::string& options, const std::string& own = "/",
                       const std::string& init = "/", const std::string& mount_root = "/") {
    const std::string controllers = options.substr(options.find(',') + 1);
    append("proc/self/cgroup", "7:" + controllers + ":" + own + "\n");
    append("proc/1/cgroup", "7:" + controllers + ":" + init + "\n");
    return mount(name, mount_root, "cgroup cgroup " + options);
  }

  std::string mount_v2(const std::string& name, const std::string& own = "/", const std::string& init = "/",
                       const std::string& mount_root = "/") {
    append("proc/self/cgroup", "0::" + own + "\n");
    append("proc/1/cgroup", "0::" + init + "\n");
    return mount(name, mount_root, "cgroup2 cgroup2 rw,nsdelegate");
  }

  void mount_all_v1() {
    for (const char* name : {"cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "devices", "hugetlb"}) {
      mount_v1(name, std::string("rw,") + name);
    }
  }

  // A cgroup's directory, below the root, with files: the real ones appear with the directory.
  void make(const std::string& directory, const std::vector<std::pair<std::string, std::string>>& files) {
    std::filesystem::create_directories(root_ + "/" + directory);
    for (const auto& [name, text] : files) std::ofstream(root_ + "/" + directory + "/" + name) << text;
  }

  std::string read(const std::string& path) const {
    std::ifstream file(root_ + "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  void append(const std::string& path, const std::string& text) {
    std::ofstream(root_ + "/" + path, std::ios::app) << text;
  }

  std::string mount(const std::string& name, const std::string& mount_root, const std::string& tail) {
    const std::string point = root_ + "/" + name;
    std::filesystem::create_directories(point);
    append("proc/self/mountinfo", "31 23 0:28 " + mount_root + " " + point + " rw,relatime shared:5 - " + tail + "\n");
    return point;
  }

  std::string root_;
};

}  // namespace runsc
