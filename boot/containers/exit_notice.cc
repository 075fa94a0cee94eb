#include "boot/containers/exit_notice.h"

#include <utility>

namespace runsc {

class ExitNotice::Subscription : public ControlSubscription {
 public:
  Subscription(std::shared_ptr<ExitNotice> notice, std::uint64_t number)
      : notice_(std::move(notice)), number_(number) {}
  // The lock is held while callbacks run.
  ~Subscription() override { notice_->state_.lock()->waiting.erase(number_); }

 private:
  const std::shared_ptr<ExitNotice> notice_;
  const std::uint64_t number_;
};

void ExitNotice::settle(control::Outcome<int> result) {
  auto state = state_.lock();
  if (state->result) return;
  state->result = std::move(result);
  state->told = !state->waiting.empty();
  for (const auto& [number, callback] : std::exchange(state->waiting, {})) callback(*state->result);
}

ControlSubscriptionPtr ExitNotice::subscribe(Callback callback) {
  auto state = state_.lock();
  const std::uint64_t number = state->next++;
  if (state->result) {
    state->told = true;
    callback(*state->result);
  } else {
    state->waiting.emplace(number, std::move(callback));
  }
  return std::make_unique<Subscription>(shared_from_this(), number);
}

void ExitTable::expect(const ThreadGroup& process, Handler handler) {
  handlers_.lock()->insert_or_assign(&process, std::move(handler));
}

void ExitTable::ended(const ThreadGroup& process, int status) {
  Handler handler;
  {
    auto handlers = handlers_.lock();
    const auto it = handlers->find(&process);
    if (it == handlers->end()) return;
    handler = std::move(it->second);
    handlers->erase(it);
  }
  handler(status);
}

}  // namespace runsc
