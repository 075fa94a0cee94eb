// linux.resources in systemd's terms.
#pragma once

#include <string>
#include <vector>

#include "runsc/oci/spec.h"

namespace runsc {

// One property of a unit as busctl takes it: {"CPUWeight", "t", {"100"}}.
struct UnitProperty {
  std::string name;
  std::string signature;
  std::vector<std::string> values;
  friend bool operator==(const UnitProperty&, const UnitProperty&) = default;
};

// linux.resources in systemd's terms, so that systemd does not reset what is written into the cgroup's files.
std::vector<UnitProperty> unit_properties(const oci::Resources& resources, bool unified);

}  // namespace runsc
