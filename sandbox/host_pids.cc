#include "sandbox/host_pids.h"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

namespace runsc {
namespace {

std::string pid_namespace(const std::string& process) {
  std::array<char, 64> text{};
  const ssize_t size = ::readlink(("/proc/" + process + "/ns/pid").c_str(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : "";
}

// The last number of "NSpid:\t4242\t17": what the process's own namespace calls it.
pid_t own_number(const std::string& process) {
  std::ifstream file("/proc/" + process + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("NSpid:", 0) != 0) continue;
    std::istringstream numbers(line.substr(6));
    pid_t last = 0;
    while (numbers >> last) {
    }
    return last;
  }
  return 0;
}

}  // namespace

std::vector<pid_t> host_pids(pid_t boot, const std::vector<pid_t>& numbers) {
  const std::string wanted = pid_namespace(std::to_string(boot));
  std::map<pid_t, pid_t> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), ::closedir);
  while (const dirent* entry = proc && !wanted.empty() ? ::readdir(proc.get()) : nullptr) {
    const std::string name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error != std::errc() || *end != '\0' || pid_namespace(name) != wanted) continue;
    found[own_number(name)] = pid;
  }
  std::vector<pid_t> out;
  for (const pid_t number : numbers)
    if (found.count(number) != 0) out.push_back(found[number]);
  return out;
}

}  // namespace runsc
