// systemd as the maker of cgroups (`--systemd-cgroup`), spoken to through its own client, busctl.
//
// The library of D-Bus is not linked: a runtime starts for every container, and most hosts' callers use no systemd. The
// client is part of every systemd.
#pragma once

#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/cgroup/cgroup_paths.h"

namespace runsc {

// One property of a unit as busctl takes it: {"CPUWeight", "t", {"100"}}.
struct UnitProperty {
  std::string name;
  std::string signature;
  std::vector<std::string> values;
  friend bool operator==(const UnitProperty&, const UnitProperty&) = default;
};

// Throws UserError where systemd is not what runs the host.
void expect_systemd();

// linux.resources in systemd's terms, so that it does not reset what is written into the cgroup's files.
std::vector<UnitProperty> unit_properties(const oci::Resources& resources, bool unified);

// Makes the scope with the processes in it and waits until they are. `user`: of the caller's own systemd. Throws
// UserError.
void start_systemd_unit(const SystemdUnit& unit, bool user, const std::string& description,
                        const std::vector<pid_t>& pids, const oci::Resources& resources, bool unified);
// Throws UserError.
void set_systemd_properties(const std::string& name, bool user, const oci::Resources& resources, bool unified);
// A unit that is gone is no error.
void stop_systemd_unit(const std::string& name, bool user);

// The words of a call, for start_systemd_unit() and its test.
std::vector<std::string> start_unit_call(const SystemdUnit& unit, const std::string& description,
                                         const std::vector<pid_t>& pids, const std::vector<UnitProperty>& limits);

}  // namespace runsc
