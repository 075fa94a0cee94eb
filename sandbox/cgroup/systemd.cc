#include "sandbox/cgroup/systemd.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"

namespace runsc {
namespace {

using Words = std::vector<std::string>;

struct Outcome {
  int status = 0;
  std::string text;  // what it printed: an answer, or why there is none
};

std::string read_all(int fd) {
  std::string out;
  std::array<char, 1024> buffer{};
  ssize_t count = 0;
  while ((count = ::read(fd, buffer.data(), buffer.size())) > 0 && out.size() < 65536) {
    out.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return out;
}

// `verb` is "call" or "get-property", of the manager.
Outcome run_busctl(bool user, const char* verb, const Words& rest) {
  Words words = {"busctl",
                 user ? "--user" : "--system",
                 "--timeout=30",
                 "--",
                 verb,
                 "org.freedesktop.systemd1",
                 "/org/freedesktop/systemd1",
                 "org.freedesktop.systemd1.Manager"};
  words.insert(words.end(), rest.begin(), rest.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw_system_error("pipe");
  const UniqueFd reader(fds[0]);
  UniqueFd writer(fds[1]);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), 1);
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), 2);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, "busctl", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw_system_error("systemd cgroup driver: execute busctl, systemd's own client", error);
  writer.reset();
  Outcome out{.status = 0, .text = read_all(reader.get())};
  while (::waitpid(pid, &out.status, 0) < 0 && errno == EINTR) {
  }
  return out;
}

std::string ask_systemd(bool user, const char* verb, const Words& rest, const std::string& what) {
  const Outcome outcome = run_busctl(user, verb, rest);
  if (outcome.status == 0) return outcome.text;
  throw UserError("systemd cgroup driver: " + what + ": " + outcome.text.substr(0, outcome.text.find('\n')) +
                  (user ? " (of the user's own systemd, which XDG_RUNTIME_DIR leads to)" : ""));
}

void append_property(Words& out, const UnitProperty& property) {
  out.push_back(property.name);
  out.push_back(property.signature);
  out.insert(out.end(), property.values.begin(), property.values.end());
}

bool is_inside(pid_t pid, const std::string& unit) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.size() > unit.size() && line.compare(line.size() - unit.size() - 1, std::string::npos, "/" + unit) == 0) {
      return true;
    }
  }
  return false;
}

// systemd answers when it has begun.
void wait_until_inside(const std::vector<pid_t>& pids, const std::string& unit) {
  constexpr int kTries = 3000;
  constexpr int kPauseMilliseconds = 10;
  for (int i = 0; i < kTries; ++i) {
    if (std::all_of(pids.begin(), pids.end(), [&](pid_t pid) { return is_inside(pid, unit); })) return;
    ::poll(nullptr, 0, kPauseMilliseconds);
  }
  throw UserError("Timeout waiting for systemd to create " + unit);
}

}  // namespace

void expect_systemd() {
  struct stat status {};
  if (::stat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode)) return;
  throw UserError(
      "systemd cgroup driver asked for, but systemd is not running on this host (no /run/systemd/system): leave out "
      "--systemd-cgroup, or set the caller's cgroup driver to cgroupfs");
}

std::string user_systemd_cgroup() {
  const std::string answer = ask_systemd(true, "get-property", {"ControlGroup"}, "ask for its cgroup");
  const std::optional<std::string> path = parse_string_property(answer);
  if (!path) throw UserError("systemd cgroup driver: the user's own systemd has no cgroup: " + answer);
  return *path;
}

std::optional<std::string> parse_string_property(const std::string& answer) {
  const std::size_t first = answer.find("s \"/");
  const std::size_t last = answer.rfind('"');
  if (first != 0 || last < 4) return std::nullopt;
  return answer.substr(3, last - 3);
}

std::vector<std::string> start_unit_call(const SystemdUnit& unit, const std::string& description,
                                         const std::vector<pid_t>& pids, const std::vector<UnitProperty>& limits,
                                         bool unified) {
  UnitProperty processes{"PIDs", "au", {std::to_string(pids.size())}};
  for (const pid_t pid : pids) processes.values.push_back(std::to_string(pid));
  std::vector<UnitProperty> properties = {{"Description", "s", {description}},
                                          {"Slice", "s", {unit.slice}},
                                          {"Delegate", "b", {"true"}},
                                          {"MemoryAccounting", "b", {"true"}},
                                          {"CPUAccounting", "b", {"true"}},
                                          {"TasksAccounting", "b", {"true"}},
                                          {unified ? "IOAccounting" : "BlockIOAccounting", "b", {"true"}},
                                          {"DefaultDependencies", "b", {"false"}},
                                          processes};
  properties.insert(properties.end(), limits.begin(), limits.end());
  Words call = {"StartTransientUnit", "ssa(sv)a(sa(sv))", unit.name, "replace", std::to_string(properties.size())};
  for (const UnitProperty& property : properties) append_property(call, property);
  call.push_back("0");
  return call;
}

void start_systemd_unit(const SystemdUnit& unit, bool user, const std::string& description,
                        const std::vector<pid_t>& pids, const oci::Resources& resources, bool unified) {
  // A scope of this name that failed earlier is kept by systemd for people to look at, and in the way.
  run_busctl(user, "call", {"ResetFailedUnit", "s", unit.name});
  ask_systemd(user, "call", start_unit_call(unit, description, pids, unit_properties(resources, unified), unified),
              "start " + unit.name);
  wait_until_inside(pids, unit.name);
}

void set_systemd_properties(const std::string& name, bool user, const oci::Resources& resources, bool unified) {
  const auto properties = unit_properties(resources, unified);
  if (properties.empty()) return;
  Words call = {"SetUnitProperties", "sba(sv)", name, "true", std::to_string(properties.size())};
  for (const UnitProperty& property : properties) append_property(call, property);
  ask_systemd(user, "call", call, "change " + name);
}

void stop_systemd_unit(const std::string& name, bool user) {
  try {
    run_busctl(user, "call", {"StopUnit", "ss", name, "replace"});
    run_busctl(user, "call", {"ResetFailedUnit", "s", name});
  } catch (const UserError&) {
    // Without a client there is no systemd that could have the unit.
  }
}

}  // namespace runsc
