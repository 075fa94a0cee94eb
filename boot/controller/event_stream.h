// A client's view of what happens to containers.
#pragma once

#include <kj/async.h>

#include <deque>
#include <memory>

#include "boot/base/lock.h"
#include "boot/controller/requests.h"
#include "boot/controller/service.h"
#include "control/sandbox.capnp.h"

namespace runsc {

// Events between the thread on which they happen and the control thread. Bounded: what a slow reader misses is counted.
class EventQueue {
 public:
  // From any thread, with any locks held.
  void push(const control::Event& event);

  // Control thread, one at a time: the next event, when there is one.
  kj::Promise<control::Event> next();

 private:
  struct State {
    std::deque<control::Event> events;
    std::uint64_t lost = 0;  // before the first of `events`
    kj::Own<kj::CrossThreadPromiseFulfiller<void>> reader;
  };
  kj::Maybe<control::Event> take();

  Guarded<State, LockLevel::kLeaf> state_;
};

class EventStreamServer final : public control::wire::EventStream::Server {
 public:
  EventStreamServer(std::shared_ptr<EventQueue> queue, ControlSubscriptionPtr subscription, RequestToken token)
      : token_(std::move(token)), queue_(std::move(queue)), subscription_(std::move(subscription)) {}
  kj::Promise<void> next(NextContext context) override;

 private:
  RequestToken token_;
  std::shared_ptr<EventQueue> queue_;
  ControlSubscriptionPtr subscription_;
  bool asked_ = false;
};

}  // namespace runsc
