#include "boot/controller/event_stream.h"

#include <kj/debug.h>

#include <utility>

#include "control/transport/wire.h"

namespace runsc {
namespace {

constexpr std::size_t kMaxEvents = 256;

}  // namespace

void EventQueue::push(const control::Event& event) {
  kj::Own<kj::CrossThreadPromiseFulfiller<void>> reader;
  {
    auto state = state_.lock();
    if (state->events.size() == kMaxEvents) {
      state->events.pop_front();
      ++state->lost;
    }
    state->events.push_back(event);
    reader = kj::mv(state->reader);
  }
  if (reader.get() != nullptr) reader->fulfill();
}

kj::Maybe<control::Event> EventQueue::take() {
  auto state = state_.lock();
  if (state->events.empty()) return nullptr;
  control::Event event = std::move(state->events.front());
  state->events.pop_front();
  event.lost = std::exchange(state->lost, 0);
  return event;
}

kj::Promise<control::Event> EventQueue::next() {
  auto paf = kj::newPromiseAndCrossThreadFulfiller<void>();
  // Before the look, so that no event falls between.
  state_.lock()->reader = kj::mv(paf.fulfiller);
  KJ_IF_MAYBE (event, take()) return kj::mv(*event);
  return paf.promise.then([this] { return next(); });
}

kj::Promise<void> EventStreamServer::next(NextContext context) {
  KJ_REQUIRE(!asked_, "an event is awaited already");
  asked_ = true;
  context.allowCancellation();
  return queue_->next()
      .then([context](const control::Event& event) mutable {
        control::write_event(event, context.getResults().initEvent());
        context.getResults().setLost(event.lost);
      })
      .attach(kj::defer([this] { asked_ = false; }));
}

}  // namespace runsc
