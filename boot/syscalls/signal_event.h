// struct sigevent (sigevent(3type)), as timers and message queues take it.
#pragma once

#include <cstdint>

namespace runsc {

struct SignalEvent {
  std::uint64_t value = 0;
  std::int32_t signal = 0;
  std::int32_t notify = 0;
  std::int32_t thread = 0;
  std::int32_t padding[11] = {};
};
static_assert(sizeof(SignalEvent) == 64);

}  // namespace runsc
