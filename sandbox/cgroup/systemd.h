// systemd as the maker of cgroups (`--systemd-cgroup`), spoken to through its own client, busctl.
//
// The library of D-Bus is not linked: a runtime starts for every container, and most hosts' callers use no systemd. The
// client is part of every systemd.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "runsc/oci/spec.h"
#include "sandbox/cgroup/cgroup_paths.h"
#include "sandbox/cgroup/unit_properties.h"

namespace runsc {

// Throws UserError where systemd is not what runs the host.
void expect_systemd();

// Makes the scope with the processes in it and waits until they are. `user`: of the caller's own systemd. Throws
// UserError.
void start_systemd_unit(const SystemdUnit& unit, bool user, const std::string& description,
                        const std::vector<pid_t>& pids, const oci::Resources& resources, bool unified);
// Throws UserError.
void set_systemd_properties(const std::string& name, bool user, const oci::Resources& resources, bool unified);
// A unit that is gone is no error.
void stop_systemd_unit(const std::string& name, bool user);

// Where the caller's own systemd keeps its units: "/user.slice/user-1000.slice/user@1000.service", counted from where
// the host's has its own. Throws UserError.
std::string user_systemd_cgroup();

// `s "/a"` -> "/a": a path as busctl prints it. For user_systemd_cgroup() and its test.
std::optional<std::string> parse_string_property(const std::string& answer);

// The words of a call, for start_systemd_unit() and its test.
std::vector<std::string> start_unit_call(const SystemdUnit& unit, const std::string& description,
                                         const std::vector<pid_t>& pids, const std::vector<UnitProperty>& limits,
                                         bool unified);

}  // namespace runsc
