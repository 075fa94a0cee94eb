// ConsoleBell: wakes the thread that carries the bytes of consoles.
#pragma once

#include <sys/eventfd.h>

#include <atomic>

#include "boot/base/host_call.h"
#include "boot/base/unique_fd.h"
#include "boot/kernel/wait_queue.h"

namespace runsc {

// A waiter of every console's queue. Rings once, however much happens until the thread looks.
class ConsoleBell : public Waiter {
 public:
  explicit ConsoleBell(UniqueFd event) : event_(std::move(event)) {}
  static Result<std::shared_ptr<ConsoleBell>> make() {
    return std::make_shared<ConsoleBell>(UniqueFd(TRY(HOST_CALL(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)))));
  }

  // Readable when it has rung.
  int fd() const { return event_.get(); }
  void ring() {
    if (rung_.exchange(true)) return;
    const std::uint64_t one = 1;
    if (::write(event_.get(), &one, sizeof one) < 0) return;  // cannot be full: it is at most 1
  }
  // Before the thread looks: what happens from now on rings again.
  void silence() {
    std::uint64_t count = 0;
    if (::read(event_.get(), &count, sizeof count) == sizeof count) rung_.store(false);
  }
  void notify(EventMask) override { ring(); }

 private:
  const UniqueFd event_;
  std::atomic<bool> rung_{false};
};

}  // namespace runsc
