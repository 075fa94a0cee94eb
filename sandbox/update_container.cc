#include "sandbox/update_container.h"

#include "control/client/client.h"
#include "runsc/common/user_error.h"
#include "runsc/oci/resources_update.h"
#include "sandbox/cgroup/container_cgroup.h"

namespace runsc {
namespace {

using nlohmann::json;

json saved_resources(const ContainerState& state) {
  return state.resources.empty() ? json::object() : json::parse(state.resources, nullptr, false);
}

std::optional<std::int64_t> signed_of(const std::optional<std::uint64_t>& value) {
  return value ? std::optional(static_cast<std::int64_t>(std::min<std::uint64_t>(*value, INT64_MAX))) : std::nullopt;
}

std::optional<std::int64_t> limit_or_none(const std::optional<std::int64_t>& now,
                                          const std::optional<std::int64_t>& before) {
  if (now == before || now.value_or(0) == 0) return std::nullopt;
  return *now < 0 ? control::Limits::kUnlimited : *now;
}

// What the application kernel keeps, or shows, itself.
control::Limits sandbox_limits(const oci::Resources& before, const oci::Resources& now) {
  control::Limits out;
  out.pids = limit_or_none(now.pids_limit, before.pids_limit);
  out.memory = limit_or_none(now.memory.limit, before.memory.limit);
  out.cpu_quota = limit_or_none(now.cpu.quota, before.cpu.quota);
  out.cpu_period = limit_or_none(signed_of(now.cpu.period), signed_of(before.cpu.period));
  out.cpu_shares = limit_or_none(signed_of(now.cpu.shares), signed_of(before.cpu.shares));
  out.memory_swap = limit_or_none(now.memory.swap, before.memory.swap);
  out.memory_reservation = limit_or_none(now.memory.reservation, before.memory.reservation);
  return out;
}

bool is_nothing(const control::Limits& limits) {
  return !limits.pids && !limits.memory && !limits.cpu_quota && !limits.cpu_period && !limits.cpu_shares &&
         !limits.memory_swap && !limits.memory_reservation;
}

void update_sandbox(const ContainerStore& store, const ContainerState& state, const control::Limits& limits) {
  if (is_nothing(limits)) return;
  control::Client(store.control_socket(state)).update(state.id, limits);
}

}  // namespace

void update_container(const ContainerStore& store, ContainerState state, const json& change, const std::string& name) {
  if (state.status_now() == Status::kStopped) throw UserError("container not running");
  oci::resources_of(change, name);
  const json saved = saved_resources(state);
  const json merged = oci::merge_resources(saved, change);
  const oci::Resources before = oci::resources_of(saved, "state.json");
  const oci::Resources now = oci::resources_of(merged, name);
  const CgroupHost host = detect_cgroup_host();
  try {
    update_cgroup(host, state.cgroups, now);
    update_sandbox(store, state, sandbox_limits(before, now));
  } catch (const UserError&) {
    try {
      update_cgroup(host, state.cgroups, before);
    } catch (const UserError&) {
      // The first error is the one to tell.
    }
    throw;
  }
  state.resources = merged.dump(-1, ' ', false, json::error_handler_t::replace);
  store.save(state);
}

}  // namespace runsc
