#include "sandbox/cgroup/cgroup_host.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sstream>

#include "runsc/oci/parse.h"

namespace runsc {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) out.push_back(part);
  return out;
}

// mountinfo writes a blank, a tab, a line feed and a backslash as three octal digits.
std::string unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_octal = [](char c) { return c >= '0' && c <= '7'; };
    if (text[i] == '\\' && i + 3 < text.size() && std::all_of(&text[i + 1], &text[i + 4], is_octal)) {
      out += static_cast<char>(std::stoi(text.substr(i + 1, 3), nullptr, 8));
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

// The super options of a mount hold "rw" and such beside the controllers.
std::vector<std::string> controllers_among(const std::string& options) {
  static constexpr std::array kKnown = {"cpu",     "cpuacct", "cpuset",     "memory", "pids", "blkio",   "devices",
                                        "freezer", "hugetlb", "perf_event", "rdma",   "misc", "net_cls", "net_prio"};
  std::vector<std::string> out;
  for (const std::string& option : split(options, ',')) {
    if (option.rfind("name=", 0) == 0 || std::find(kKnown.begin(), kKnown.end(), option) != kKnown.end()) {
      out.push_back(option);
    }
  }
  return out;
}

// "4:cpu,cpuacct:/path" -> the path for each controller; "0::/path" -> that for "".
std::map<std::string, std::string> read_membership(const std::string& path) {
  std::map<std::string, std::string> out;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    if (names.empty()) out[""] = line.substr(second + 1);
    for (const std::string& name : split(names, ',')) out[name] = line.substr(second + 1);
  }
  return out;
}

// Where a path of the whole hierarchy lies below a mount that shows the part from `root` on.
std::string below(const std::string& mount_point, const std::string& root, const std::string& path) {
  // Above the root of our namespace of cgroups: entered from outside, as with nsenter(1).
  if (path == "/.." || path.rfind("/../", 0) == 0) return mount_point;
  if (root == "/") return oci::clean_path(mount_point + "/" + path);
  if (path == root) return mount_point;
  if (path.rfind(root + "/", 0) == 0) return oci::clean_path(mount_point + path.substr(root.size()));
  return mount_point;
}

struct Memberships {
  std::map<std::string, std::string> own;
  std::map<std::string, std::string> init;
};

std::string path_in(const std::map<std::string, std::string>& membership, const std::string& controller) {
  const auto found = membership.find(controller);
  return found == membership.end() ? "/" : found->second;
}

void add_mount(const std::string& line, const Memberships& memberships, std::vector<Hierarchy>& out) {
  const std::size_t halves = line.find(" - ");
  if (halves == std::string::npos) return;
  const auto before = split(line.substr(0, halves), ' ');
  const auto after = split(line.substr(halves + 3), ' ');
  if (before.size() < 5 || after.size() < 3) return;
  Hierarchy hierarchy;
  hierarchy.mount_point = unescape(before[4]);
  hierarchy.unified = after[0] == "cgroup2";
  if (after[0] == "cgroup") hierarchy.controllers = controllers_among(after[2]);
  if (!hierarchy.unified && hierarchy.controllers.empty()) return;
  const std::string key = hierarchy.unified ? "" : hierarchy.controllers[0];
  // A hierarchy may be mounted more than once; the first is the usual place.
  const auto is_same = [&](const Hierarchy& other) {
    return other.unified == hierarchy.unified && other.controllers == hierarchy.controllers;
  };
  if (std::any_of(out.begin(), out.end(), is_same)) return;
  const std::string root = unescape(before[3]);
  hierarchy.own = below(hierarchy.mount_point, root, path_in(memberships.own, key));
  hierarchy.init = below(hierarchy.mount_point, root, path_in(memberships.init, key));
  out.push_back(std::move(hierarchy));
}

CgroupMode mode_of(const std::vector<Hierarchy>& hierarchies) {
  const auto is_unified = [](const Hierarchy& hierarchy) { return hierarchy.unified; };
  if (hierarchies.empty()) return CgroupMode::kNone;
  if (std::all_of(hierarchies.begin(), hierarchies.end(), is_unified)) return CgroupMode::kUnified;
  return std::any_of(hierarchies.begin(), hierarchies.end(), is_unified) ? CgroupMode::kHybrid : CgroupMode::kLegacy;
}

}  // namespace

bool Hierarchy::has(const std::string& controller) const {
  if (controller.empty()) return unified;
  return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

const Hierarchy* CgroupHost::find(const std::string& controller) const {
  for (const Hierarchy& hierarchy : hierarchies) {
    if (hierarchy.has(controller)) return &hierarchy;
  }
  return nullptr;
}

const Hierarchy* CgroupHost::containing(const std::string& directory) const {
  const Hierarchy* best = nullptr;
  for (const Hierarchy& hierarchy : hierarchies) {
    const bool inside = directory.rfind(hierarchy.mount_point + "/", 0) == 0;
    // The unified hierarchy may be mounted above those of version 1.
    if (inside && (best == nullptr || best->mount_point.size() < hierarchy.mount_point.size())) best = &hierarchy;
  }
  return best;
}

CgroupHost detect_cgroup_host(const std::string& proc) {
  CgroupHost host;
  const Memberships memberships{read_membership(proc + "/self/cgroup"), read_membership(proc + "/1/cgroup")};
  std::ifstream file(proc + "/self/mountinfo");
  for (std::string line; std::getline(file, line);) add_mount(line, memberships, host.hierarchies);
  host.mode = mode_of(host.hierarchies);
  return host;
}

}  // namespace runsc
