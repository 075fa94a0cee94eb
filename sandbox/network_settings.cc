#include "sandbox/network_settings.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"

namespace runsc {
namespace {

constexpr const char kPrefix[] = "net/";
constexpr const char* kDecidedInside[] = {"net/ipv4/ip_unprivileged_port_start", "net/ipv4/ping_group_range"};

// As runc and sysctl(8) have it: dots, or slashes where a name has a dot of its own (an interface "eth0.1").
std::string path_of(std::string name) {
  if (name.find('/') == std::string::npos) std::replace(name.begin(), name.end(), '.', '/');
  return name;
}

void write_setting(const std::string& path, const std::string& value) {
  const std::string full = "/proc/sys/" + path;
  // Without O_CREAT nothing is made, and what is no setting ("..") is refused before it is opened.
  if (path.find("..") != std::string::npos) throw_system_error("open " + full, ENOENT);
  const UniqueFd file(::open(full.c_str(), O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file) throw_system_error("open " + full);
  if (::write(file.get(), value.data(), value.size()) < 0) throw_system_error("write \"" + value + "\" to " + full);
}

}  // namespace

NetworkSettings network_settings(const std::map<std::string, std::string>& sysctls) {
  NetworkSettings out;
  for (const auto& [name, value] : sysctls) {
    const std::string path = path_of(name);
    const bool inside =
        std::find(std::begin(kDecidedInside), std::end(kDecidedInside), path) != std::end(kDecidedInside);
    if (path.rfind(kPrefix, 0) == 0 && !inside) out.emplace(name, value);
  }
  return out;
}

void apply_network_settings(const NetworkSettings& settings) {
  for (const auto& [name, value] : settings) write_setting(path_of(name), value);
}

void refuse_network_settings(const NetworkSettings& settings) {
  if (settings.empty()) return;
  throw UserError("config.json: linux.sysctl: \"" + settings.begin()->first +
                  "\" is not allowed in the host's network namespace");
}

}  // namespace runsc
