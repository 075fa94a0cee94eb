#include "sandbox/state.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

#include "boot/base/unique_fd.h"
#include "runsc/common/user_error.h"

namespace runsc {

using nlohmann::json;

NLOHMANN_JSON_SERIALIZE_ENUM(Status, {{Status::kStopped, "stopped"},
                                      {Status::kCreating, "creating"},
                                      {Status::kCreated, "created"},
                                      {Status::kRunning, "running"},
                                      {Status::kPaused, "paused"}})
namespace oci {
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Hook, path, args, env, timeout)
}  // namespace oci
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ProcessIdentity, pid, start_time)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ContainerState, id, bundle, rootfs, created, owner, annotations, status,
                                                sandbox_id, boot, relay, gofer, creator, foreground, cgroups, resources,
                                                poststart, poststop)

const char* status_name(Status status) {
  switch (status) {
    case Status::kCreating:
      return "creating";
    case Status::kCreated:
      return "created";
    case Status::kRunning:
      return "running";
    case Status::kPaused:
      return "paused";
    case Status::kStopped:
      return "stopped";
  }
  return "unknown";
}

Status ContainerState::status_now() const { return init().alive() ? status : Status::kStopped; }

bool ContainerState::abandoned() const {
  return (foreground || status == Status::kCreating) && !creator.alive() && !init().alive() && !gofer.alive();
}

std::string state_to_json(const ContainerState& state) {
  return json(state).dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

ContainerState state_from_json(const std::string& text, const std::string& id) {
  try {
    ContainerState state = json::parse(text).get<ContainerState>();
    if (state.id == id) return state;
  } catch (const json::exception&) {
  }
  throw UserError("the state file of container \"" + id + "\" is damaged");
}

std::string oci_state_json(const ContainerState& state, Status status) {
  nlohmann::ordered_json out;
  out["ociVersion"] = "1.2.0";
  out["id"] = state.id;
  out["pid"] = status == Status::kStopped ? 0 : state.init().pid;
  out["status"] = status_name(status);
  out["bundle"] = state.bundle;
  out["rootfs"] = state.rootfs;
  out["created"] = state.created;
  if (!state.annotations.empty()) out["annotations"] = state.annotations;
  out["owner"] = state.owner;
  return out.dump(2, ' ', false, json::error_handler_t::replace);
}

std::string timestamp_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm utc{};
  ::gmtime_r(&now.tv_sec, &utc);
  std::array<char, 32> seconds{};
  std::strftime(seconds.data(), seconds.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::array<char, 48> out{};
  std::snprintf(out.data(), out.size(), "%s.%09ldZ", seconds.data(), now.tv_nsec);
  return out.data();
}

void write_atomically(const std::string& path, const std::string& text, unsigned mode, Keeping keeping) {
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  const UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (!fd) throw_system_error("create " + temporary);
  const bool written = ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       (keeping == Keeping::kUntilRestart || ::fsync(fd.get()) == 0) &&
                       ::rename(temporary.c_str(), path.c_str()) == 0;
  if (written) return;
  const int error = errno;
  ::unlink(temporary.c_str());
  throw_system_error("write " + path, error);
}

}  // namespace runsc
