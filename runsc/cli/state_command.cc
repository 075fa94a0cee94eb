#include <cstdio>
#include <nlohmann/json.hpp>

#include "runsc/cli/command.h"
#include "sandbox/container_store.h"

namespace runsc {
namespace {

nlohmann::ordered_json public_state(const ContainerState& state) {
  const Status status = state.status_now();
  nlohmann::ordered_json out;
  out["ociVersion"] = "1.2.0";
  out["id"] = state.id;
  out["pid"] = status == Status::kStopped ? 0 : state.boot.pid;
  out["status"] = status_name(status);
  out["bundle"] = state.bundle;
  out["rootfs"] = state.rootfs;
  out["created"] = state.created;
  if (!state.annotations.empty()) out["annotations"] = state.annotations;
  out["owner"] = state.owner;
  return out;
}

int state(const Words& words, const RuntimeOptions& options) {
  const ContainerState state = ContainerStore(options.root).load(words[0]);
  std::puts(public_state(state).dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  return 0;
}

}  // namespace

Command state_command() {
  return {.name = "state",
          .arguments = "<container-id>",
          .summary = "show the state of a container as JSON",
          .flags = {},
          .min_words = 1,
          .max_words = 1,
          .run = state};
}

}  // namespace runsc
