#include "boot/loader/container/sysctls.h"

#include <string_view>

namespace runsc {
namespace {

// The host keeps more of these than the kernel shows, and has refused by now what it does not know.
bool is_of_the_host(std::string_view name) { return name.rfind("net.", 0) == 0 || name.rfind("net/", 0) == 0; }

bool names_the_task(std::string_view name) { return name == "kernel.hostname" || name == "kernel.domainname"; }

}  // namespace

StartStatus set_sysctls(const ContainerConfig& config, const VfsServices& services) {
  for (const auto& [name, value] : config.sysctls) {
    if (names_the_task(name)) continue;
    const Result<void> set = services.set_sysctl ? services.set_sysctl(name, value) : Errno(ENOSYS);
    if (!set.ok() && set.error() == Errno(ENOENT) && is_of_the_host(name)) continue;
    if (!set.ok()) return start_failure("linux.sysctl: " + name + "=\"" + value + "\"", set.error());
  }
  return std::nullopt;
}

std::string configured_name(const ContainerConfig& config, const std::string& sysctl, const std::string& otherwise) {
  const auto it = config.sysctls.find(sysctl);
  return it != config.sysctls.end() ? it->second : otherwise;
}

}  // namespace runsc
