#include "sandbox/cgroup/cgroup_paths.h"

#include <sstream>

#include "runsc/common/user_error.h"
#include "runsc/oci/parse.h"

namespace runsc {
namespace {

void check_path(const std::string& path) {
  std::istringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) {
    if (part == "..") throw UserError("config.json: linux.cgroupsPath: \"" + path + "\" leads upwards");
  }
}

std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Where a relative path begins.
std::string base_of(const Hierarchy& hierarchy) {
  const bool has_parent = hierarchy.own.size() > hierarchy.mount_point.size();
  return hierarchy.unified && has_parent ? parent_of(hierarchy.own) : hierarchy.own;
}

// "a-b-c.slice" lies in "a-b.slice" in "a.slice"; "-.slice" is the root.
std::string slice_path(const std::string& slice) {
  static const std::string kSuffix = ".slice";
  const auto refuse = [&] { throw UserError("config.json: linux.cgroupsPath: invalid slice name: " + slice); };
  if (slice.size() <= kSuffix.size() || slice.compare(slice.size() - kSuffix.size(), kSuffix.size(), kSuffix) != 0 ||
      slice.find('/') != std::string::npos) {
    refuse();
  }
  const std::string name = slice.substr(0, slice.size() - kSuffix.size());
  if (name == "-") return "";
  std::string out;
  std::string prefix;
  std::istringstream parts(name);
  for (std::string part; std::getline(parts, part, '-');) {
    if (part.empty()) refuse();
    prefix += (prefix.empty() ? "" : "-") + part;
    out += "/" + prefix + kSuffix;
  }
  if (name.back() == '-') refuse();
  return out;
}

// systemd moves itself into init.scope where it may not have processes beside its children.
std::string without_init(const std::string& path) {
  static const std::string kInit = "/init.scope";
  const bool ends = path.size() >= kInit.size() && path.compare(path.size() - kInit.size(), kInit.size(), kInit) == 0;
  return ends ? path.substr(0, path.size() - kInit.size()) : path;
}

}  // namespace

std::string SystemdUnit::path() const { return slice_path(slice) + "/" + name; }

SystemdUnit parse_systemd_unit(const std::string& cgroups_path, const std::string& id, bool rootless) {
  if (cgroups_path.empty()) return {rootless ? "user.slice" : "system.slice", "runc-" + id + ".scope"};
  const std::size_t first = cgroups_path.find(':');
  const std::size_t second = first == std::string::npos ? first : cgroups_path.find(':', first + 1);
  if (second == std::string::npos || cgroups_path.find(':', second + 1) != std::string::npos) {
    throw UserError("expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"" +
                    cgroups_path + "\" instead");
  }
  std::string slice = cgroups_path.substr(0, first);
  const std::string prefix = cgroups_path.substr(first + 1, second - first - 1);
  const std::string name = cgroups_path.substr(second + 1);
  if (slice.empty()) slice = rootless ? "user.slice" : "system.slice";
  if (name.empty() || name.find('/') != std::string::npos || prefix.find('/') != std::string::npos) {
    throw UserError("config.json: linux.cgroupsPath: \"" + cgroups_path + "\" names no unit of systemd");
  }
  SystemdUnit unit{slice, (prefix.empty() ? "" : prefix + "-") + name + ".scope"};
  unit.path();  // checks the slice
  return unit;
}

std::vector<std::string> cgroup_directories(const CgroupHost& host, const std::string& cgroups_path,
                                            const std::string& id) {
  check_path(cgroups_path);
  std::vector<std::string> out;
  for (const Hierarchy& hierarchy : host.hierarchies) {
    const bool absolute = !cgroups_path.empty() && cgroups_path[0] == '/';
    const std::string base = absolute ? hierarchy.mount_point : base_of(hierarchy);
    out.push_back(oci::clean_path(base + "/" + (cgroups_path.empty() ? id : cgroups_path)));
  }
  return out;
}

std::vector<std::string> cgroup_directories(const CgroupHost& host, const SystemdUnit& unit,
                                            const std::string& manager) {
  check_path(manager);
  std::vector<std::string> out;
  for (const Hierarchy& hierarchy : host.hierarchies) {
    out.push_back(oci::clean_path(without_init(hierarchy.init) + without_init(manager) + unit.path()));
  }
  return out;
}

}  // namespace runsc
