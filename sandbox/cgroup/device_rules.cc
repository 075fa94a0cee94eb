#include <cerrno>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/limits.h"

namespace runsc {
namespace {

// What every container may have, whatever its bundle says: any node may be made, and these may be used.
std::vector<oci::DeviceRule> rules_of_every_container() {
  std::vector<oci::DeviceRule> out = {{true, "c", {}, {}, "m"}, {true, "b", {}, {}, "m"}};
  // null, zero, full, random, urandom; tty, ptmx; the ends of pseudoterminals; net/tun.
  for (const int minor : {3, 5, 7, 8, 9}) out.push_back({true, "c", 1, minor, "rwm"});
  for (const int minor : {0, 2}) out.push_back({true, "c", 5, minor, "rwm"});
  out.push_back({true, "c", 136, {}, "rwm"});
  out.push_back({true, "c", 10, 200, "rwm"});
  return out;
}

std::string number_or_star(const std::optional<std::int64_t>& number) {
  return !number || *number < 0 ? "*" : std::to_string(*number);
}

void write_rule(const CgroupDirectory& directory, const oci::DeviceRule& rule) {
  if (rule.type.empty() || rule.type == "a") {
    directory.write(rule.allow ? "devices.allow" : "devices.deny", "a");
    return;
  }
  const std::string text = rule.type + " " + number_or_star(rule.major) + ":" + number_or_star(rule.minor) + " " +
                           (rule.access.empty() ? "rwm" : rule.access);
  const int error = directory.try_write(rule.allow ? "devices.allow" : "devices.deny", text);
  // The cgroup above allows less: then so does this one. No device of the host is needed here.
  if (error == 0 || (rule.allow && error == EPERM)) return;
  throw_system_error("write \"" + text + "\" to " + directory.path(), error);
}

}  // namespace

void set_devices_v1(const CgroupDirectory& directory, const std::vector<oci::DeviceRule>& rules) {
  write_rule(directory, {.allow = false, .type = "a", .major = {}, .minor = {}, .access = ""});
  for (const oci::DeviceRule& rule : rules) write_rule(directory, rule);
  for (const oci::DeviceRule& rule : rules_of_every_container()) write_rule(directory, rule);
}

}  // namespace runsc
