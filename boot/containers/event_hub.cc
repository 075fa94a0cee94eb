#include "boot/containers/event_hub.h"

#include <utility>

namespace runsc {

class EventHub::Subscription : public ControlSubscription {
 public:
  Subscription(std::shared_ptr<EventHub> hub, std::uint64_t number) : hub_(std::move(hub)), number_(number) {}
  // The lock is held while callbacks run.
  ~Subscription() override { hub_->state_.lock()->listeners.erase(number_); }

 private:
  const std::shared_ptr<EventHub> hub_;
  const std::uint64_t number_;
};

ControlSubscriptionPtr EventHub::subscribe(std::optional<std::string> container, Callback callback) {
  auto state = state_.lock();
  const std::uint64_t number = state->next++;
  state->listeners.emplace(number, Listener{std::move(container), std::move(callback)});
  return std::make_unique<Subscription>(shared_from_this(), number);
}

void EventHub::publish(const control::Event& event) const {
  auto state = state_.lock();
  for (const auto& [number, listener] : state->listeners)
    if (!listener.container || *listener.container == event.container) listener.callback(event);
}

}  // namespace runsc
