#include "control/client/event_loop.h"

namespace runsc::control {

std::shared_ptr<kj::AsyncIoContext> thread_event_loop() {
  thread_local std::weak_ptr<kj::AsyncIoContext> loop;
  std::shared_ptr<kj::AsyncIoContext> present = loop.lock();
  if (!present) {
    present = std::make_shared<kj::AsyncIoContext>(kj::setupAsyncIo());
    loop = present;
  }
  return present;
}

ControlError error_of(const kj::Exception& exception) {
  using Cause = ControlError::Cause;
  switch (exception.getType()) {
    case kj::Exception::Type::DISCONNECTED:
      return {Cause::kGone, FailureCode::kInternal, "the sandbox ended before it answered"};
    case kj::Exception::Type::OVERLOADED:
      return {Cause::kSilent, FailureCode::kInternal, "the sandbox does not answer"};
    case kj::Exception::Type::UNIMPLEMENTED:
      return {Cause::kRefused, FailureCode::kUnsupported,
              "the sandbox was started by an older runsc, which does not know this request"};
    case kj::Exception::Type::FAILED:
      break;
  }
  return {Cause::kBroken, FailureCode::kInternal, "the sandbox gave an answer that is none"};
}

bool await_or_wake(kj::AsyncIoContext& io, kj::Promise<void> promise, int wake) {
  try {
    auto done = promise.then([] { return true; });
    if (wake < 0) return done.wait(io.waitScope);
    kj::UnixEventPort::FdObserver observer(io.unixEventPort, wake, kj::UnixEventPort::FdObserver::OBSERVE_READ);
    auto woken = observer.whenBecomesReadable().then([] { return false; });
    return done.exclusiveJoin(kj::mv(woken)).wait(io.waitScope);
  } catch (const kj::Exception& exception) {
    throw error_of(exception);
  }
}

}  // namespace runsc::control
