// What a container uses and what happens to it, as a stream of JSON lines in runc's form.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "sandbox/container_store.h"

namespace runsc {

// {"type":"stats","id":..,"data":{..}}. Throws UserError when the container is not running.
std::string stats_event(const ContainerStore& store, const ContainerState& state);

// Calls `line` with a stats event at every interval, and with {"type":"oom","id":..} when the host runs out of the
// container's memory, until the container has ended. Throws UserError.
void follow_events(const ContainerStore& store, const ContainerState& state, std::chrono::milliseconds interval,
                   const std::function<void(const std::string&)>& line);

}  // namespace runsc
