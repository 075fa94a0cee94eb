// timerfd_create(2).
#pragma once

#include <sys/timerfd.h>

#include "boot/fs/anon/anon_file.h"
#include "boot/kernel/timer_queue.h"

namespace runsc {

// Thread-safe. The timer runs once for each read that sees it: an interval that nobody reads costs nothing, and the
// count of its expirations is worked out when somebody asks.
class TimerFd : public AnonFile {
 public:
  // `clock`: CLOCK_REALTIME, MONOTONIC, BOOTTIME, or an _ALARM clock. `queue` outlives the file. `flags`: TFD_NONBLOCK.
  TimerFd(TimerQueue& queue, clockid_t clock, int flags);

  // timerfd_settime(2) with valid times; returns the old setting. `flags`: TFD_TIMER_*.
  itimerspec set(int flags, const itimerspec& value);
  itimerspec get();

  Result<std::size_t> read(IoSink& sink, std::optional<std::uint64_t> offset, int rwf) override;
  EventMask readiness(EventMask interest) override;
  WaitQueue* wait_queue() override { return &waiters_; }

 private:
  struct State {
    std::int64_t due_ns = 0;       // on the clock; 0: disarmed
    std::int64_t interval_ns = 0;  // 0: once
    std::uint64_t expirations = 0;
    bool expired = false;  // the callback ran and nobody has looked since
    bool cancel_on_set = false;
    std::int64_t wall_offset_ns = 0;  // CLOCK_REALTIME minus CLOCK_MONOTONIC when it was set
  };
  void expire();
  void arm(const State& state);
  // Counts the periods that passed since the callback, and starts the next.
  void forward(State& state);
  itimerspec setting(const State& state) const;

  const clockid_t clock_;
  Guarded<State, LockLevel::kPipe> state_;
  WaitQueue waiters_;
  Timer timer_;  // ends first: its callback uses the rest
};

}  // namespace runsc
