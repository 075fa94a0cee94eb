#include "boot/fs/anon/timer_fd.h"

#include <algorithm>

#include "boot/base/checked.h"

namespace runsc {
namespace {

// So much must the wall clock jump against the monotonic one to count as set; slewing stays below.
constexpr std::int64_t kClockSetThreshold = kNanosecondsPerSecond / 2;

// The clock that counts for times and deadlines.
clockid_t base_clock(clockid_t clock) {
  if (clock == CLOCK_REALTIME_ALARM) return CLOCK_REALTIME;
  if (clock == CLOCK_BOOTTIME_ALARM) return CLOCK_BOOTTIME;
  return clock;
}

std::int64_t wall_offset() { return now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC); }

std::int64_t later(std::int64_t time, std::int64_t duration) {
  return checked_add(time, duration).value_or(std::numeric_limits<std::int64_t>::max());
}

}  // namespace

TimerFd::TimerFd(TimerQueue& queue, clockid_t clock, int flags)
    : AnonFile("timerfd", OpenFlags{O_RDWR | (flags & TFD_NONBLOCK)}),
      clock_(base_clock(clock)),
      timer_(queue, [this] { expire(); }) {}

void TimerFd::arm(const State& state) {
  if (state.due_ns == 0) return timer_.cancel();
  if (clock_ == CLOCK_REALTIME) return timer_.arm({CLOCK_REALTIME, state.due_ns});
  // CLOCK_BOOTTIME is the monotonic clock with the time in suspend, which is over when anybody can look.
  const std::int64_t shift = clock_ == CLOCK_BOOTTIME ? now_ns(CLOCK_MONOTONIC) - now_ns(CLOCK_BOOTTIME) : 0;
  timer_.arm({CLOCK_MONOTONIC, later(state.due_ns, shift)});
}

void TimerFd::expire() {
  {
    auto state = state_.lock();
    if (state->due_ns == 0 || state->expired) return;
    if (now_ns(clock_) < state->due_ns) return arm(*state);  // set anew meanwhile
    state->expired = true;
    ++state->expirations;
  }
  waiters_.notify(POLLIN | POLLRDNORM);
}

void TimerFd::forward(State& state) {
  if (!state.expired) return;
  state.expired = false;
  if (state.interval_ns == 0) {
    state.due_ns = 0;
    return;
  }
  const std::int64_t missed = std::max<std::int64_t>(now_ns(clock_) - state.due_ns, 0) / state.interval_ns;
  state.expirations += missed;
  state.due_ns = later(state.due_ns, (missed + 1) * state.interval_ns);
  arm(state);
}

itimerspec TimerFd::setting(const State& state) const {
  itimerspec value{};
  value.it_interval = to_timespec(state.interval_ns);
  // An armed timer that is due right now still says that something is left.
  if (state.due_ns != 0) value.it_value = to_timespec(std::max<std::int64_t>(state.due_ns - now_ns(clock_), 1));
  return value;
}

itimerspec TimerFd::set(int flags, const itimerspec& value) {
  auto state = state_.lock();
  forward(*state);
  const itimerspec old = setting(*state);
  const std::int64_t wanted = to_ns(value.it_value);
  const bool absolute = (flags & TFD_TIMER_ABSTIME) != 0;
  *state = {};
  state->interval_ns = to_ns(value.it_interval);
  if (wanted != 0) state->due_ns = absolute ? wanted : later(now_ns(clock_), wanted);
  state->cancel_on_set = clock_ == CLOCK_REALTIME && absolute && (flags & TFD_TIMER_CANCEL_ON_SET) != 0;
  state->wall_offset_ns = wall_offset();
  arm(*state);
  return old;
}

itimerspec TimerFd::get() {
  auto state = state_.lock();
  forward(*state);
  return setting(*state);
}

Result<std::size_t> TimerFd::read(IoSink& sink, std::optional<std::uint64_t> offset, int) {
  if (offset) return Errno(ESPIPE);
  if (sink.remaining() < sizeof(std::uint64_t)) return Errno(EINVAL);
  std::uint64_t expirations = 0;
  {
    auto state = state_.lock();
    const std::int64_t jump = state->cancel_on_set ? wall_offset() - state->wall_offset_ns : 0;
    if (std::abs(jump) > kClockSetThreshold) {
      state->wall_offset_ns += jump;
      state->expirations = 0;
      forward(*state);
      return Errno(ECANCELED);
    }
    if (state->expirations == 0) return Errno(EAGAIN);
    forward(*state);
    expirations = std::exchange(state->expirations, 0);
  }
  return put_object(sink, expirations);
}

EventMask TimerFd::readiness(EventMask) {
  auto state = state_.lock();
  return state->expirations != 0 ? POLLIN | POLLRDNORM : 0;
}

}  // namespace runsc
