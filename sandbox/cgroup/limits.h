// linux.resources written into the files of cgroups.
#pragma once

#include <functional>
#include <string>

#include "runsc/oci/spec.h"
#include "sandbox/cgroup/cgroup_directory.h"

namespace runsc {

enum class LimitChange {
  kCreate,
  kUpdate,  // the rules for devices stay: they are given for good
};

// The controllers of version 1 that have limits, in the order in which these are set. `wanted` says whether `resources`
// asks for something that the controller would have to enforce; `set` throws UserError.
struct LimiterV1 {
  const char* controller;
  bool (*wanted)(const oci::Resources& resources);
  void (*set)(const CgroupDirectory& directory, const oci::Resources& resources);
};
const std::vector<LimiterV1>& limiters_v1();

// The one directory of version 2. Throws UserError that names the controller for a limit that nothing enforces there.
void set_limits_v2(const CgroupDirectory& directory, const oci::Resources& resources);

// devices.allow and devices.deny of version 1, with the devices that every container has.
void set_devices_v1(const CgroupDirectory& directory, const std::vector<oci::DeviceRule>& rules);

// Absent and zero mean the same in a bundle.
template <typename T>
bool is_set(const std::optional<T>& value) {
  return value && *value != T{0};
}

// "unlimited" has a word of its own in version 2, and in pids of version 1.
inline std::string number_or_max(std::int64_t value) { return value < 0 ? "max" : std::to_string(value); }

}  // namespace runsc
