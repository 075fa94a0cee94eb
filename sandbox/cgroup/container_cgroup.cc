#include "sandbox/cgroup/container_cgroup.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <sstream>

#include "runsc/common/user_error.h"
#include "sandbox/cgroup/cgroup_directory.h"
#include "sandbox/cgroup/limits.h"
#include "sandbox/cgroup/systemd.h"

namespace runsc {
namespace {

constexpr const char kUnit[] = "unit:";
constexpr const char kUserUnit[] = "user-unit:";

// A new cpuset has no processors, and takes no process, until it is told which.
void inherit_cpuset(const CgroupDirectory& directory, const CgroupDirectory& parent) {
  for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
    const std::string own = directory.read(file).value_or("");
    if (own.find_first_not_of(" \n") != std::string::npos) continue;
    std::string inherited = parent.read(file).value_or("");
    inherited = inherited.substr(0, inherited.find('\n'));
    if (!inherited.empty()) directory.write(file, inherited);
  }
}

// Shares every controller that there is out to the children. One that cannot be is missed when a limit needs it.
void share_controllers(const CgroupDirectory& parent) {
  std::istringstream available(parent.read("cgroup.controllers").value_or(""));
  std::string all;
  std::vector<std::string> each;
  for (std::string name; available >> name;) {
    each.push_back("+" + name);
    all += (all.empty() ? "+" : " +") + name;
  }
  if (all.empty() || parent.try_write("cgroup.subtree_control", all) == 0) return;
  for (const std::string& name : each) parent.try_write("cgroup.subtree_control", name);
}

// Others' processes would be limited with the container, and killed with it. Asked before anything is saved: what the
// state file names is ours to kill.
void check_empty(const CgroupDirectory& directory) {
  const std::size_t count = directory.processes().size();
  if (count == 0) return;
  throw UserError("container's cgroup is not empty: " + std::to_string(count) + " process(es) found in " +
                  directory.path());
}

bool is_lack_of_rights(int error) { return error == EACCES || error == EPERM || error == EROFS; }

// What becomes of a directory that is there already.
enum class Existing { kTake, kRefuse };

// Makes `path` and what is missing above it. Returns 0, the errno of a lack of rights, or EEXIST for kRefuse.
int make_directory(const Hierarchy& hierarchy, const std::string& path, Existing existing) {
  std::string now = hierarchy.mount_point;
  std::istringstream parts(path.substr(hierarchy.mount_point.size()));
  for (std::string part; std::getline(parts, part, '/');) {
    if (part.empty()) continue;
    const CgroupDirectory parent(now);
    now += "/" + part;
    if (hierarchy.unified) share_controllers(parent);
    const int error = ::mkdir(now.c_str(), 0755) == 0 ? 0 : errno;
    if (is_lack_of_rights(error)) return error;
    if (error == EEXIST && existing == Existing::kRefuse && now == path) return error;
    if (error != 0 && error != EEXIST) throw_system_error("create cgroup " + now, error);
    if (hierarchy.has("cpuset")) inherit_cpuset(CgroupDirectory(now), parent);
  }
  return 0;
}

using ByController = std::map<std::string, CgroupDirectory>;

ByController by_controller(const CgroupHost& host, const std::vector<std::string>& directories) {
  ByController out;
  for (const std::string& path : directories) {
    const Hierarchy* hierarchy = host.containing(path);
    if (hierarchy == nullptr) continue;
    if (hierarchy->unified) out.emplace("", CgroupDirectory(path));
    for (const std::string& controller : hierarchy->controllers) out.emplace(controller, CgroupDirectory(path));
  }
  return out;
}

[[noreturn]] void refuse_limit(const CgroupHost& host, const std::string& controller) {
  const char* why = host.find(controller) == nullptr ? "\" is not mounted on this host" : "\" is not ours to change";
  throw UserError("cannot set " + controller + " limit: container could not join or create cgroup (controller \"" +
                  controller + why + ")");
}

void set_limits_v1(const CgroupHost& host, const ByController& directories, const oci::Resources& resources,
                   LimitChange change) {
  if (!resources.unified.empty()) throw UserError("invalid configuration: cannot use unified on cgroup v1");
  const auto devices = directories.find("devices");
  if (change == LimitChange::kCreate && devices != directories.end()) {
    set_devices_v1(devices->second, resources.devices);
  }
  for (const LimiterV1& limiter : limiters_v1()) {
    if (!limiter.wanted(resources)) continue;
    const auto found = directories.find(limiter.controller);
    if (found == directories.end()) refuse_limit(host, limiter.controller);
    limiter.set(found->second, resources);
  }
}

bool wants_any_limit(const oci::Resources& resources) {
  const auto wants = [&](const LimiterV1& limiter) { return limiter.wanted(resources); };
  return !resources.unified.empty() || std::any_of(limiters_v1().begin(), limiters_v1().end(), wants);
}

void set_limits(const CgroupHost& host, const std::vector<std::string>& paths, const oci::Resources& resources,
                LimitChange change) {
  const ByController directories = by_controller(host, paths);
  if (host.mode != CgroupMode::kUnified) return set_limits_v1(host, directories, resources, change);
  if (!directories.empty()) return set_limits_v2(directories.at(""), resources);
  if (wants_any_limit(resources)) {
    throw UserError("cannot set limits: container could not join or create cgroup (the caller may not change cgroups)");
  }
}

}  // namespace

ContainerCgroup::ContainerCgroup(CgroupHost host, CgroupRequest request)
    : host_(std::move(host)), request_(std::move(request)) {
  if (request_.driver == CgroupDriver::kNone) return;
  if (request_.driver == CgroupDriver::kFiles) {
    entries_ = cgroup_directories(host_, request_.path, request_.id);
    if (is_implicit()) {
      find_free_place();
    } else {
      for (const std::string& path : entries_) check_empty(CgroupDirectory(path));
    }
    return;
  }
  unit_ = parse_systemd_unit(request_.path, request_.id, request_.rootless);
  expect_systemd();
  entries_ = cgroup_directories(host_, *unit_, request_.rootless ? user_systemd_cgroup() : "");
  for (const std::string& path : entries_) check_empty(CgroupDirectory(path));
  entries_.insert(entries_.begin(), (request_.rootless ? kUserUnit : kUnit) + unit_->name);
}

// Nobody has asked for a place, and a container of another --root may have the same id. One that is made at the same
// time may still be faster: make() tells.
void ContainerCgroup::find_free_place() {
  const auto taken = [](const std::string& path) { return CgroupDirectory(path).exists(); };
  while (std::any_of(entries_.begin(), entries_.end(), taken)) move_on();
}

bool ContainerCgroup::make() {
  if (request_.driver != CgroupDriver::kFiles) return true;
  try {
    if (make_directories()) return true;
  } catch (...) {
    unmake();
    throw;
  }
  unmake();
  move_on();
  return false;
}

void ContainerCgroup::limit() const {
  if (request_.driver == CgroupDriver::kFiles) apply_limits();
}

bool ContainerCgroup::make_directories() {
  const Existing existing = is_implicit() ? Existing::kRefuse : Existing::kTake;
  for (const std::string& path : cgroup_directories_of(entries_)) {
    const Hierarchy* hierarchy = host_.containing(path);
    if (hierarchy == nullptr) {
      throw UserError("config.json: linux.cgroupsPath: \"" + request_.path + "\" is the root of a hierarchy");
    }
    const int error = make_directory(*hierarchy, path, existing);
    if (error == 0) {
      directories_.push_back(path);
    } else if (error == EEXIST) {
      return false;
    } else if (!may_do_without()) {
      throw_system_error("create cgroup " + path, error);
    }
  }
  return true;
}

// Nothing is in them yet. One that was there before, and is in use, stays.
void ContainerCgroup::unmake() {
  for (const std::string& path : directories_) ::rmdir(path.c_str());
  directories_.clear();
}

void ContainerCgroup::move_on() {
  const std::string number = attempts_++ == 0 ? "" : "-" + std::to_string(attempts_);
  entries_ = cgroup_directories(host_, "", request_.id + "-" + std::to_string(::getpid()) + number);
}

void ContainerCgroup::apply_limits() const {
  set_limits(host_, directories_, request_.resources, LimitChange::kCreate);
}

// A caller who has not asked for a place, and may not write there, does without; a limit then is an error.
bool ContainerCgroup::may_do_without() const { return request_.path.empty(); }

bool ContainerCgroup::is_implicit() const { return request_.driver == CgroupDriver::kFiles && request_.path.empty(); }

bool ContainerCgroup::has_door(const std::string& directory) const {
  return !unit_ && !host_.containing(directory)->unified;
}

CgroupDoors ContainerCgroup::open_doors() const {
  UniqueFd unified;
  std::vector<CgroupDoors::Door> doors;
  for (const std::string& path : directories_) {
    if (host_.containing(path)->unified) unified = UniqueFd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!has_door(path)) continue;
    UniqueFd tasks(::open((path + "/tasks").c_str(), O_WRONLY | O_CLOEXEC));
    if (!tasks && !(is_lack_of_rights(errno) && may_do_without())) throw_system_error("open " + path + "/tasks");
    if (tasks) doors.push_back({path, std::move(tasks)});
  }
  return CgroupDoors(std::move(unified), std::move(doors), may_do_without());
}

void ContainerCgroup::enter(const std::vector<pid_t>& born, const std::vector<pid_t>& others) {
  if (unit_) {
    std::vector<pid_t> all = born;
    all.insert(all.end(), others.begin(), others.end());
    start_systemd_unit(*unit_, request_.rootless, "runsc container " + request_.id, all, request_.resources,
                       host_.mode == CgroupMode::kUnified);
    // systemd makes some of them; the others are as with the other driver.
    (void)make_directories();
    apply_limits();
  }
  enter_directories(born, others);
}

void ContainerCgroup::enter_directories(const std::vector<pid_t>& born, const std::vector<pid_t>& others) {
  for (const std::string& path : directories_) {
    const CgroupDirectory directory(path);
    std::vector<pid_t> pids = others;
    if (!has_door(path)) pids.insert(pids.end(), born.begin(), born.end());
    std::vector<pid_t> inside;
    const Hierarchy* hierarchy = host_.containing(path);
    if (hierarchy->unified || unit_) inside = directory.processes();
    for (const pid_t pid : pids) {
      if (std::find(inside.begin(), inside.end(), pid) != inside.end()) continue;
      const int error = directory.try_write("cgroup.procs", std::to_string(pid));
      if (error == 0 || (is_lack_of_rights(error) && may_do_without())) continue;
      throw_system_error("move process " + std::to_string(pid) + " into cgroup " + path, error);
    }
  }
}

std::vector<std::string> cgroup_directories_of(const std::vector<std::string>& entries) {
  std::vector<std::string> out;
  for (const std::string& entry : entries) {
    if (!entry.empty() && entry[0] == '/') out.push_back(entry);
  }
  return out;
}

void enter_cgroups(const std::vector<std::string>& entries, const std::vector<pid_t>& pids) {
  for (const std::string& path : cgroup_directories_of(entries)) {
    const CgroupDirectory directory(path);
    if (!directory.exists()) continue;
    for (const pid_t pid : pids) {
      const int error = directory.try_write("cgroup.procs", std::to_string(pid));
      if (error == 0 || error == ESRCH || is_lack_of_rights(error)) continue;
      throw_system_error("move process " + std::to_string(pid) + " into cgroup " + path, error);
    }
  }
}

void update_cgroup(const CgroupHost& host, const std::vector<std::string>& entries, const oci::Resources& resources) {
  std::vector<std::string> existing;
  for (const std::string& path : cgroup_directories_of(entries)) {
    if (CgroupDirectory(path).exists()) existing.push_back(path);
  }
  for (const std::string& entry : entries) {
    const bool user = entry.rfind(kUserUnit, 0) == 0;
    if (!user && entry.rfind(kUnit, 0) != 0) continue;
    // So that a reload of systemd does not bring the old limits back. First, since it writes them too, but rounded.
    set_systemd_properties(entry.substr(entry.find(':') + 1), user, resources, host.mode == CgroupMode::kUnified);
  }
  set_limits(host, existing, resources, LimitChange::kUpdate);
}

}  // namespace runsc
