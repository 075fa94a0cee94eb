#include "boot/syscalls/aio_context.h"

#include <poll.h>

#include <algorithm>

#include "boot/fs/anon/event_fd.h"

namespace runsc {

// Calls finish_polls() soon, on the timer thread. Lives as long as a poll lies in a queue, and so without its context.
class AioContext::Bell {
 public:
  Bell(TimerQueue& timers, std::weak_ptr<AioContext> context)
      : timer_(timers, [context = std::move(context)] {
          if (const auto alive = context.lock()) alive->finish_polls();
        }) {}
  void ring() { timer_.expire_soon(); }

 private:
  Timer timer_;
};

class AioContext::OpenPoll : public Waiter {
 public:
  OpenPoll(Poll poll, std::shared_ptr<Bell> bell) : poll_(std::move(poll)), bell_(std::move(bell)) {}
  const Poll& poll() const { return poll_; }
  // Finished or cancelled. Its files are let go once the queue has let go of it, too.
  void end() { ended_.store(true, std::memory_order_release); }

  void notify(EventMask) override {
    if (!expired()) bell_->ring();
  }
  bool expired() const override { return ended_.load(std::memory_order_acquire); }

 private:
  const Poll poll_;
  const std::shared_ptr<Bell> bell_;
  std::atomic<bool> ended_{false};
};

void signal_event_fd(const FilePtr& event_fd) {
  if (event_fd == nullptr) return;
  const std::uint64_t one = 1;
  BufferSource source(std::as_bytes(std::span(&one, 1)));
  (void)event_fd->write(source, std::nullopt, 0);  // full: whoever reads it has been told often enough
}

AioContextPtr AioContext::create(TimerQueue& timers, std::uint64_t capacity) {
  const AioContextPtr context(new AioContext(capacity));
  context->bell_ = std::make_shared<Bell>(timers, context);
  return context;
}

bool AioContext::reserve() {
  auto state = state_.lock();
  if (state->in_use >= capacity_) return false;
  ++state->in_use;
  return true;
}

void AioContext::unreserve() { --state_.lock()->in_use; }

void AioContext::complete(const io_event& event) {
  state_.lock()->done.push_back(event);
  queue_.notify(POLLIN);
}

void AioContext::add_poll(Poll poll) {
  const auto open = std::make_shared<OpenPoll>(std::move(poll), bell_);
  state_.lock()->polls.push_back(open);
  // Before the look at the file: what comes true after it rings.
  if (WaitQueue* const queue = open->poll().file->wait_queue()) queue->add_owned(open, kAllEvents, false);
  if (const EventMask ready = ready_events(open->poll())) (void)finish(open, ready);
}

EventMask AioContext::ready_events(const Poll& poll) {
  const EventMask wanted = poll.events | kAlwaysReported;
  return poll.file->readiness(wanted) & wanted;
}

bool AioContext::finish(const OpenPollPtr& poll, EventMask result) {
  {
    auto state = state_.lock();
    if (std::erase(state->polls, poll) == 0) return false;
    const Poll& request = poll->poll();
    state->done.push_back(io_event{.data = request.data, .obj = request.request, .res = result, .res2 = 0});
  }
  poll->end();
  if (WaitQueue* const queue = poll->poll().file->wait_queue()) queue->remove(*poll);
  queue_.notify(POLLIN);
  signal_event_fd(poll->poll().event_fd);
  return true;
}

void AioContext::finish_polls() {
  std::vector<OpenPollPtr> polls;
  {
    auto state = state_.lock();
    polls.assign(state->polls.begin(), state->polls.end());
  }
  for (const OpenPollPtr& poll : polls)
    if (const EventMask ready = ready_events(poll->poll())) (void)finish(poll, ready);
}

std::vector<io_event> AioContext::take(std::size_t most) {
  auto state = state_.lock();
  const std::size_t count = std::min(most, state->done.size());
  const auto end = state->done.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<io_event> events(state->done.begin(), end);
  state->done.erase(state->done.begin(), end);
  state->in_use -= count;
  return events;
}

bool AioContext::cancel(std::uint64_t request) {
  OpenPollPtr found;
  {
    auto state = state_.lock();
    const auto is_it = [&](const OpenPollPtr& poll) { return poll->poll().request == request; };
    const auto it = std::ranges::find_if(state->polls, is_it);
    if (it == state->polls.end()) return false;
    found = *it;
  }
  return finish(found, 0);
}

void AioContext::destroy() {
  std::list<OpenPollPtr> polls;
  destroyed_.store(true);
  polls.swap(state_.lock()->polls);
  for (const OpenPollPtr& poll : polls) {
    poll->end();
    if (WaitQueue* const queue = poll->poll().file->wait_queue()) queue->remove(*poll);
  }
  queue_.notify(POLLIN);
}

}  // namespace runsc
