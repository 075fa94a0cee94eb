// The calling thread's KJ event loop, and what can happen while it is awaited.
#pragma once

#include <kj/async-io.h>
#include <kj/async-unix.h>

#include <memory>
#include <optional>

#include "control/client/client.h"

namespace runsc::control {

// KJ allows one loop to a thread, so the clients of a thread share theirs; it goes with the last of them.
std::shared_ptr<kj::AsyncIoContext> thread_event_loop();

// What to say of an exception of KJ's.
ControlError error_of(const kj::Exception& exception);

// Waits for a promise of the loop `io`, at most for `patience`. Throws ControlError.
template <typename T>
T await(kj::AsyncIoContext& io, kj::Promise<T> promise, std::chrono::milliseconds patience) {
  try {
    auto& timer = io.provider->getTimer();
    return timer.timeoutAfter(patience.count() * kj::MILLISECONDS, kj::mv(promise)).wait(io.waitScope);
  } catch (const kj::Exception& exception) {
    throw error_of(exception);
  }
}

// Waits until `promise` is done (true) or `wake` is readable (false).
bool await_or_wake(kj::AsyncIoContext& io, kj::Promise<void> promise, int wake);

}  // namespace runsc::control
