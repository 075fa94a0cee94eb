#include "sandbox/container_events.h"

#include <poll.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "control/client/client.h"
#include "runsc/common/user_error.h"
#include "sandbox/cgroup/cgroup_stats.h"
#include "sandbox/cgroup/oom_watch.h"

namespace runsc {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

// A sandbox that does not answer is measured from outside only.
constexpr std::chrono::milliseconds kPatience{2000};

std::string event_text(const std::string& type, const std::string& id, const std::optional<Json>& data) {
  Json out;
  out["type"] = type;
  out["id"] = id;
  if (data) out["data"] = *data;
  return out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Without a cgroup of its own nothing of the host measures a container.
void add_use_inside(const control::Stats& inside, CgroupStats& stats) {
  stats.cpu.user += inside.cpu_user;
  stats.cpu.kernel += inside.cpu_system;
  stats.cpu.total += inside.cpu_user + inside.cpu_system;
  stats.memory.usage.usage += inside.memory_current;
  stats.memory.usage.max += inside.memory_peak;
  stats.memory.cache += inside.memory_cache;
}

// The host counts the processes of the sandbox; what the container has are the tasks of its application.
void ask_inside(const std::string& socket, const ContainerState& state, CgroupStats& stats) try {
  const control::Stats inside = control::Client(socket, kPatience).stats(state.id);
  stats.pids.current = inside.pids_current;
  stats.pids.limit = inside.pids_limit.value_or(0);
  if (state.cgroups.empty()) add_use_inside(inside, stats);
} catch (const control::ControlError&) {
}

void expect_running(const ContainerState& state) {
  if (state.status_now() == Status::kStopped) throw UserError("container with id " + state.id + " is not running");
}

// Memory may be nobody's to count: then there are no such events.
std::unique_ptr<OomWatch> watch_memory(const CgroupHost& host, const ContainerState& state) try {
  return std::make_unique<OomWatch>(host, state.cgroups);
} catch (const UserError&) {
  return nullptr;
}

int milliseconds_until(Clock::time_point end) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

}  // namespace

std::string stats_event(const ContainerStore& store, const ContainerState& state) {
  expect_running(state);
  CgroupStats stats = read_cgroup_stats(detect_cgroup_host(), state.cgroups);
  ask_inside(store.control_socket(state), state, stats);
  return event_text("stats", state.id, stats_to_json(stats));
}

void follow_events(const ContainerStore& store, const ContainerState& state, std::chrono::milliseconds interval,
                   const std::function<void(const std::string&)>& line) {
  expect_running(state);
  const auto oom = watch_memory(detect_cgroup_host(), state);
  const UniqueFd container = state.init().open();
  auto next = Clock::now() + interval;
  while (state.init().alive()) {
    pollfd entries[] = {{.fd = container.get(), .events = POLLIN, .revents = 0},
                        {.fd = oom ? oom->fd() : -1, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(entries, 2, milliseconds_until(next));
    if (ready < 0 && errno != EINTR) throw_system_error("poll");
    // Looked at first: a container that has ended for want of memory says so before it goes.
    if (ready > 0 && entries[1].revents != 0) {
      const OomWatch::Event event = oom->take();
      if (event == OomWatch::Event::kGone) return;
      if (event == OomWatch::Event::kOom) line(event_text("oom", state.id, std::nullopt));
    }
    if (ready > 0 && entries[0].revents != 0) return;
    if (Clock::now() < next) continue;
    next += interval;
    try {
      line(stats_event(store, state));
    } catch (const UserError&) {
      return;  // it has just ended
    }
  }
}

}  // namespace runsc
