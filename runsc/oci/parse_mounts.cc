// The "mounts" array.
#include <sys/mount.h>

#include <algorithm>
#include <set>
#include <string_view>

#include "runsc/oci/parse.h"

namespace runsc::oci {
namespace {

#ifndef MS_NOSYMFOLLOW
constexpr std::uint64_t MS_NOSYMFOLLOW = 256;
#endif

struct FlagOption {
  std::string_view name;
  std::uint64_t flag;
  bool clear;
};

// Options that set or clear a flag of mount(2). The names are those of mount(8).
constexpr FlagOption kFlagOptions[] = {
    {"ro", MS_RDONLY, false},
    {"rw", MS_RDONLY, true},
    {"nosuid", MS_NOSUID, false},
    {"suid", MS_NOSUID, true},
    {"nodev", MS_NODEV, false},
    {"dev", MS_NODEV, true},
    {"noexec", MS_NOEXEC, false},
    {"exec", MS_NOEXEC, true},
    {"sync", MS_SYNCHRONOUS, false},
    {"async", MS_SYNCHRONOUS, true},
    {"dirsync", MS_DIRSYNC, false},
    {"mand", MS_MANDLOCK, false},
    {"nomand", MS_MANDLOCK, true},
    {"noatime", MS_NOATIME, false},
    {"atime", MS_NOATIME, true},
    {"nodiratime", MS_NODIRATIME, false},
    {"diratime", MS_NODIRATIME, true},
    {"relatime", MS_RELATIME, false},
    {"norelatime", MS_RELATIME, true},
    {"strictatime", MS_STRICTATIME, false},
    {"nostrictatime", MS_STRICTATIME, true},
    {"lazytime", MS_LAZYTIME, false},
    {"nolazytime", MS_LAZYTIME, true},
    {"iversion", MS_I_VERSION, false},
    {"noiversion", MS_I_VERSION, true},
    {"nosymfollow", MS_NOSYMFOLLOW, false},
    {"symfollow", MS_NOSYMFOLLOW, true},
    {"silent", MS_SILENT, false},
    {"loud", MS_SILENT, true},
    {"acl", MS_POSIXACL, false},
    {"noacl", MS_POSIXACL, true},
    // The recursive forms: a bind mount is one file system to the application, so they are the same.
    {"rnosuid", MS_NOSUID, false},
    {"rsuid", MS_NOSUID, true},
    {"rnodev", MS_NODEV, false},
    {"rdev", MS_NODEV, true},
    {"rnoexec", MS_NOEXEC, false},
    {"rexec", MS_NOEXEC, true},
    {"rnoatime", MS_NOATIME, false},
    {"rrelatime", MS_RELATIME, false},
    {"rstrictatime", MS_STRICTATIME, false},
    {"rrw", MS_RDONLY, true},
};

// Nothing is mounted on the host, so nothing propagates to or from it.
constexpr std::string_view kIgnored[] = {"defaults", "private", "rprivate",   "slave",       "rslave",     "shared",
                                         "rshared",  "remount", "unbindable", "runbindable", "auto",       "noauto",
                                         "user",     "nouser",  "_netdev",    "nofail",      "rnodiratime"};
constexpr std::string_view kRefused[] = {"idmap", "ridmap"};
constexpr std::string_view kTypes[] = {"bind", "tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"};

bool contains(const auto& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

bool apply_flag(std::string_view name, Mount& mount) {
  const auto* option = std::find_if(std::begin(kFlagOptions), std::end(kFlagOptions),
                                    [&](const FlagOption& entry) { return entry.name == name; });
  if (option == std::end(kFlagOptions)) return false;
  mount.flags = option->clear ? mount.flags & ~option->flag : mount.flags | option->flag;
  return true;
}

void apply_option(const JsonReader& from, Mount& mount) {
  const std::string name = from.string();
  if (name.empty() || apply_flag(name, mount) || contains(kIgnored, name)) return;
  if (name == "bind" || name == "rbind") {
    mount.type = "bind";
    mount.recursive = mount.recursive || name == "rbind";
  } else if (name == "rro") {
    mount.flags |= MS_RDONLY;
    mount.recursive_readonly = true;
  } else if (contains(kRefused, name)) {
    from.fail("mount option " + in_quotes(name) + " is not supported");
  } else if (mount.type == "bind") {
    from.fail("unknown mount option " + in_quotes(name) + " for a bind mount");
  } else {
    mount.data.push_back(name);
  }
}

// An option such as "size=64k" before "bind" is as wrong as after it.
void apply_options(const JsonReader& from, Mount& mount) {
  const auto elements = from.elements();
  const auto binds = [](const JsonReader& element) {
    const std::string name = element.string();
    return name == "bind" || name == "rbind";
  };
  if (std::any_of(elements.begin(), elements.end(), binds)) mount.type = "bind";
  for (const JsonReader& element : elements) apply_option(element, mount);
}

std::string parse_destination(const JsonReader& from) {
  const std::string destination = from.string();
  // Version 1.0 allowed relative ones, and runc still makes them absolute.
  if (destination.empty()) from.fail("is empty");
  return clean_path(destination[0] == '/' ? destination : "/" + destination);
}

Mount parse_mount(const JsonReader& from) {
  Mount mount;
  mount.destination = parse_destination(from.at("destination"));
  if (mount.destination == "/") from.at("destination").fail("a mount over the root is not supported");
  mount.type = from.string_or("type", "");
  mount.source = from.string_or("source", "");
  if (const auto options = from.find("options")) apply_options(*options, mount);
  if (from.has("uidMappings") || from.has("gidMappings")) from.fail("id-mapped mounts are not supported");
  if (mount.type.empty()) from.at("type");
  if (!contains(kTypes, mount.type)) from.at("type").fail("unknown mount type " + in_quotes(mount.type));
  if (mount.type == "bind" && mount.source.empty()) from.fail("a bind mount without a source");
  return mount;
}

}  // namespace

std::vector<Mount> parse_mounts(const JsonReader& from) {
  std::vector<Mount> out;
  for (const JsonReader& element : from.elements()) {
    element.expect_object();
    out.push_back(parse_mount(element));
  }
  return out;
}

std::vector<std::string> known_mount_options() {
  std::vector<std::string> out = {"bind", "rbind", "rro", "tmpcopyup"};
  for (const FlagOption& option : kFlagOptions) out.emplace_back(option.name);
  for (const std::string_view name : kIgnored) out.emplace_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

std::string clean_path(const std::string& path) {
  std::vector<std::string_view> parts;
  const std::string_view text = path;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('/', start), text.size());
    const std::string_view part = text.substr(start, end - start);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    start = end + 1;
  }
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return out.empty() ? "/" : out;
}

}  // namespace runsc::oci
