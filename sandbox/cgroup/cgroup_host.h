// What the host has of control groups: which hierarchies are mounted where, and where this process stands in them.
#pragma once

#include <string>
#include <vector>

namespace runsc {

enum class CgroupMode {
  kNone,     // nothing is mounted
  kLegacy,   // version 1 only
  kHybrid,   // version 1, and version 2 for what version 1 has not taken (usually nothing but processes)
  kUnified,  // version 2 only
};

// One mounted hierarchy of version 1, or the unified one.
struct Hierarchy {
  std::string mount_point;
  // "memory"; several when mounted together; "name=systemd" for a named one. Empty for the unified one.
  std::vector<std::string> controllers;
  bool unified = false;
  // The directories, below the mount point, of this process and of process 1; the mount point itself where they are out
  // of its sight.
  std::string own;
  std::string init;

  bool has(const std::string& controller) const;
};

struct CgroupHost {
  CgroupMode mode = CgroupMode::kNone;
  std::vector<Hierarchy> hierarchies;

  // Null: not mounted. "" is the unified hierarchy.
  const Hierarchy* find(const std::string& controller) const;
  // The hierarchy that a directory is in; null: in none.
  const Hierarchy* containing(const std::string& directory) const;
};

// From <proc>/self/mountinfo, <proc>/self/cgroup and <proc>/1/cgroup. A test has a directory of its own for `proc`.
CgroupHost detect_cgroup_host(const std::string& proc = "/proc");

}  // namespace runsc
