#include "sandbox/cgroup/systemd.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"
#include "sandbox/cgroup/conversions.h"
#include "sandbox/cgroup/limits.h"

namespace runsc {
namespace {

using Words = std::vector<std::string>;

struct Outcome {
  int status = 0;
  std::string errors;
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

Outcome run_busctl(bool user, const Words& call) {
  Words words = {"busctl",
                 user ? "--user" : "--system",
                 "--quiet",
                 "--timeout=30",
                 "--",
                 "call",
                 "org.freedesktop.systemd1",
                 "/org/freedesktop/systemd1",
                 "org.freedesktop.systemd1.Manager"};
  words.insert(words.end(), call.begin(), call.end());
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
  ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, writer.get(), 2);
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, "busctl", &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw_system_error("systemd cgroup driver: execute busctl, systemd's own client", error);
  writer.reset();
  Outcome out{.status = 0, .errors = read_all(reader.get())};
  while (::waitpid(pid, &out.status, 0) < 0 && errno == EINTR) {
  }
  return out;
}

void call_systemd(bool user, const Words& call, const std::string& what) {
  const Outcome outcome = run_busctl(user, call);
  if (outcome.status == 0) return;
  throw UserError("systemd cgroup driver: " + what + ": " + outcome.errors.substr(0, outcome.errors.find('\n')));
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

void add_number(std::vector<UnitProperty>& out, const char* name, std::uint64_t value) {
  out.push_back({name, "t", {std::to_string(value)}});
}

std::uint64_t number_or_infinity(std::int64_t value) {
  return value < 0 ? ~std::uint64_t{0} : static_cast<std::uint64_t>(value);
}

void add_cpu(std::vector<UnitProperty>& out, const oci::CpuResources& cpu, bool unified) {
  if (is_set(cpu.shares)) {
    add_number(out, unified ? "CPUWeight" : "CPUShares", unified ? cpu_weight_from_shares(*cpu.shares) : *cpu.shares);
  }
  if (!is_set(cpu.quota) && !is_set(cpu.period)) return;
  const std::uint64_t period = is_set(cpu.period) ? *cpu.period : 100000;
  if (is_set(cpu.period)) add_number(out, "CPUQuotaPeriodUSec", period);
  std::uint64_t per_second = ~std::uint64_t{0};
  if (cpu.quota.value_or(0) > 0) {
    per_second = static_cast<std::uint64_t>(*cpu.quota) * 1000000 / period;
    // systemd knows whole percents: up, never below what was asked for.
    per_second = (per_second + 9999) / 10000 * 10000;
  }
  add_number(out, "CPUQuotaPerSecUSec", per_second);
}

void add_memory(std::vector<UnitProperty>& out, const oci::MemoryResources& memory, bool unified) {
  if (is_set(memory.limit)) add_number(out, unified ? "MemoryMax" : "MemoryLimit", number_or_infinity(*memory.limit));
  if (!unified) return;
  if (is_set(memory.reservation)) add_number(out, "MemoryLow", number_or_infinity(*memory.reservation));
  if (const auto swap = swap_max_from_memsw(memory.swap, memory.limit)) {
    add_number(out, "MemorySwapMax", number_or_infinity(*swap));
  }
}

}  // namespace

void expect_systemd() {
  struct stat status {};
  if (::stat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode)) return;
  throw UserError(
      "systemd cgroup driver asked for, but systemd is not running on this host (no /run/systemd/system): leave out "
      "--systemd-cgroup, or set the caller's cgroup driver to cgroupfs");
}

std::vector<UnitProperty> unit_properties(const oci::Resources& resources, bool unified) {
  std::vector<UnitProperty> out;
  add_cpu(out, resources.cpu, unified);
  add_memory(out, resources.memory, unified);
  if (is_set(resources.pids_limit)) {
    add_number(out, "TasksMax", number_or_infinity(host_pids_limit(*resources.pids_limit)));
  }
  if (is_set(resources.block_io.weight)) {
    const std::uint64_t weight = *resources.block_io.weight;
    add_number(out, unified ? "IOWeight" : "BlockIOWeight", unified ? io_weight_from_blkio(weight) : weight);
  }
  return out;
}

std::vector<std::string> start_unit_call(const SystemdUnit& unit, const std::string& description,
                                         const std::vector<pid_t>& pids, const std::vector<UnitProperty>& limits) {
  UnitProperty processes{"PIDs", "au", {std::to_string(pids.size())}};
  for (const pid_t pid : pids) processes.values.push_back(std::to_string(pid));
  std::vector<UnitProperty> properties = {{"Description", "s", {description}},
                                          {"Slice", "s", {unit.slice}},
                                          {"Delegate", "b", {"true"}},
                                          {"MemoryAccounting", "b", {"true"}},
                                          {"CPUAccounting", "b", {"true"}},
                                          {"TasksAccounting", "b", {"true"}},
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
  run_busctl(user, {"ResetFailedUnit", "s", unit.name});
  call_systemd(user, start_unit_call(unit, description, pids, unit_properties(resources, unified)),
               "start " + unit.name);
  wait_until_inside(pids, unit.name);
}

void set_systemd_properties(const std::string& name, bool user, const oci::Resources& resources, bool unified) {
  const auto properties = unit_properties(resources, unified);
  if (properties.empty()) return;
  Words call = {"SetUnitProperties", "sba(sv)", name, "true", std::to_string(properties.size())};
  for (const UnitProperty& property : properties) append_property(call, property);
  call_systemd(user, call, "change " + name);
}

void stop_systemd_unit(const std::string& name, bool user) {
  try {
    run_busctl(user, {"StopUnit", "ss", name, "replace"});
    run_busctl(user, {"ResetFailedUnit", "s", name});
  } catch (const UserError&) {
    // Without a client there is no systemd that could have the unit.
  }
}

}  // namespace runsc
