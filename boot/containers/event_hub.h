// Who wants to hear what happens to containers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "boot/base/lock.h"
#include "boot/controller/service.h"

namespace runsc {

// Thread-safe.
class EventHub : public std::enable_shared_from_this<EventHub> {
 public:
  using Callback = ControlService::EventCallback;

  // `container` absent: the events of all.
  ControlSubscriptionPtr subscribe(std::optional<std::string> container, Callback callback);
  // Without locks of a level above kExitNotice's.
  void publish(const control::Event& event) const;

 private:
  class Subscription;
  struct Listener {
    std::optional<std::string> container;
    Callback callback;
  };
  struct State {
    std::map<std::uint64_t, Listener> listeners;
    std::uint64_t next = 0;
  };
  Guarded<State, LockLevel::kExitNotice> state_;
};

}  // namespace runsc
