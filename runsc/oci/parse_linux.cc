// The "linux" object, without its resources.
#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

constexpr std::pair<std::string_view, NamespaceType> kNamespaces[] = {
    {"pid", NamespaceType::kPid},       {"network", NamespaceType::kNetwork}, {"mount", NamespaceType::kMount},
    {"ipc", NamespaceType::kIpc},       {"uts", NamespaceType::kUts},         {"user", NamespaceType::kUser},
    {"cgroup", NamespaceType::kCgroup}, {"time", NamespaceType::kTime}};

std::vector<Namespace> parse_namespaces(const JsonReader& from) {
  std::vector<Namespace> out;
  for (const JsonReader& element : from.elements()) {
    const JsonReader type = element.at("type");
    const std::string name = type.string();
    const auto* found = std::find_if(std::begin(kNamespaces), std::end(kNamespaces),
                                     [&](const auto& entry) { return entry.first == name; });
    if (found == std::end(kNamespaces)) type.fail("unknown namespace type " + in_quotes(name));
    for (const Namespace& other : out) {
      if (other.type == found->second) type.fail("namespace " + in_quotes(name) + " is listed twice");
    }
    const std::string path = element.string_or("path", "");
    if (!path.empty() && path[0] != '/') element.at("path").fail(in_quotes(path) + " is not absolute");
    out.push_back({found->second, path});
  }
  return out;
}

bool overlap(std::uint32_t a, std::uint32_t a_size, std::uint32_t b, std::uint32_t b_size) {
  return a < std::uint64_t{b} + b_size && b < std::uint64_t{a} + a_size;
}

IdMapping parse_mapping(const JsonReader& from) {
  const IdMapping mapping{.container = from.at("containerID").integer<std::uint32_t>(),
                          .host = from.at("hostID").integer<std::uint32_t>(),
                          .size = from.at("size").integer<std::uint32_t>()};
  if (mapping.size == 0) from.fail("size is zero");
  const auto fits = [&](std::uint32_t start) { return std::uint64_t{start} + mapping.size <= UINT32_MAX; };
  if (!fits(mapping.container) || !fits(mapping.host)) from.fail("the range passes the last id");
  return mapping;
}

std::vector<IdMapping> parse_mappings(const JsonReader& from) {
  std::vector<IdMapping> out;
  for (const JsonReader& element : from.elements()) {
    const IdMapping mapping = parse_mapping(element);
    for (const IdMapping& other : out) {
      if (overlap(mapping.container, mapping.size, other.container, other.size) ||
          overlap(mapping.host, mapping.size, other.host, other.size)) {
        element.fail("overlaps another mapping");
      }
    }
    out.push_back(mapping);
  }
  if (out.size() > 340) from.fail("more than 340 mappings");
  return out;
}

Device parse_device(const JsonReader& from) {
  Device device;
  device.path = from.at("path").string();
  if (device.path.empty() || device.path[0] != '/') from.at("path").fail(in_quotes(device.path) + " is not absolute");
  device.type = from.at("type").string();
  static constexpr std::string_view kDeviceTypes[] = {"c", "b", "u", "p"};
  if (std::find(std::begin(kDeviceTypes), std::end(kDeviceTypes), device.type) == std::end(kDeviceTypes)) {
    from.at("type").fail("unknown device type " + in_quotes(device.type));
  }
  device.major = from.optional_integer<std::int64_t>("major").value_or(0);
  device.minor = from.optional_integer<std::int64_t>("minor").value_or(0);
  device.file_mode = from.optional_integer<std::uint32_t>("fileMode");
  device.uid = from.optional_integer<std::uint32_t>("uid");
  device.gid = from.optional_integer<std::uint32_t>("gid");
  return device;
}

std::vector<std::string> parse_paths(const JsonReader& from) {
  std::vector<std::string> out;
  for (const JsonReader& element : from.elements()) {
    const std::string path = element.string();
    if (path.empty() || path[0] != '/') element.fail(in_quotes(path) + " is not absolute");
    out.push_back(clean_path(path));
  }
  return out;
}

void refuse_unsupported(const JsonReader& from, Linux& out) {
  if (!out.mount_label.empty()) from.at("mountLabel").fail("SELinux labels are not supported");
  if (from.has("intelRdt")) from.at("intelRdt").fail("Intel RDT is not supported");
  if (const auto personality = from.find("personality")) {
    const std::string domain = personality->at("domain").string();
    if (domain != "LINUX")
      personality->at("domain").fail("execution domain " + in_quotes(domain) + " is not supported");
  }
  if (from.has("timeOffsets")) from.at("timeOffsets").fail("time offsets are not supported");
  out.has_seccomp = from.has("seccomp");
}

void check_user_namespace(const JsonReader& from, const Linux& out) {
  const bool user = std::any_of(out.namespaces.begin(), out.namespaces.end(),
                                [](const Namespace& ns) { return ns.type == NamespaceType::kUser; });
  const bool joined = std::any_of(out.namespaces.begin(), out.namespaces.end(), [](const Namespace& ns) {
    return ns.type == NamespaceType::kUser && !ns.path.empty();
  });
  const bool mapped = !out.uid_mappings.empty() || !out.gid_mappings.empty();
  if (mapped && !user) from.fail("id mappings without a user namespace");
  if (user && !joined && (out.uid_mappings.empty() || out.gid_mappings.empty())) {
    from.fail("a user namespace needs uidMappings and gidMappings");
  }
}

}  // namespace

Linux parse_linux(const JsonReader& from) {
  from.expect_object();
  Linux out;
  if (const auto namespaces = from.find("namespaces")) out.namespaces = parse_namespaces(*namespaces);
  if (const auto mappings = from.find("uidMappings")) out.uid_mappings = parse_mappings(*mappings);
  if (const auto mappings = from.find("gidMappings")) out.gid_mappings = parse_mappings(*mappings);
  check_user_namespace(from, out);
  if (const auto devices = from.find("devices")) {
    for (const JsonReader& element : devices->elements()) out.devices.push_back(parse_device(element));
  }
  if (const auto resources = from.find("resources")) {
    out.resources = parse_resources(*resources);
    out.resources_text = resources->json().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }
  out.cgroups_path = from.string_or("cgroupsPath", "");
  if (const auto sysctl = from.find("sysctl")) {
    for (const auto& [key, value] : sysctl->members()) out.sysctl[key] = value.string();
  }
  if (const auto paths = from.find("maskedPaths")) out.masked_paths = parse_paths(*paths);
  if (const auto paths = from.find("readonlyPaths")) out.readonly_paths = parse_paths(*paths);
  out.rootfs_propagation = from.string_or("rootfsPropagation", "");
  static constexpr std::string_view kPropagations[] = {"",        "shared",   "rshared",    "slave",      "rslave",
                                                       "private", "rprivate", "unbindable", "runbindable"};
  if (std::find(std::begin(kPropagations), std::end(kPropagations), out.rootfs_propagation) ==
      std::end(kPropagations)) {
    from.at("rootfsPropagation").fail("unknown propagation " + in_quotes(out.rootfs_propagation));
  }
  out.mount_label = from.string_or("mountLabel", "");
  refuse_unsupported(from, out);
  return out;
}

}  // namespace runsc::oci
