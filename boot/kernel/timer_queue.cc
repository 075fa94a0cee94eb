#include "boot/kernel/timer_queue.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <limits>
#include <map>
#include <thread>
#include <vector>

#include "boot/base/host_call.h"
#include "boot/base/unique_fd.h"

namespace runsc {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

// The armed timers of one clock, and the host timer that stands at the first of them. An absolute host timer follows
// the wall clock when it is set, and arming one needs no help of the timer thread.
struct ClockTimers {
  clockid_t clock;
  UniqueFd host_timer{};
  std::multimap<std::int64_t, Timer*> by_time{};
  std::int64_t set_to = kNever;  // what host_timer stands at

  // Moves the host timer to the first deadline, unless it stands at an earlier one: then it is moved when that passes.
  void set_host_timer(bool fired) {
    if (fired) set_to = kNever;
    if (!host_timer || by_time.empty() || by_time.begin()->first >= set_to) return;
    set_to = by_time.begin()->first;
    itimerspec at{};
    at.it_value = to_timespec(std::max<std::int64_t>(set_to, 1));  // zero would stop it
    (void)HOST_CALL(::timerfd_settime(host_timer.get(), TFD_TIMER_ABSTIME, &at, nullptr));
  }
};

}  // namespace

struct TimerQueue::Impl {
  struct State {
    std::array<ClockTimers, 2> clocks{ClockTimers{CLOCK_MONOTONIC}, ClockTimers{CLOCK_REALTIME}};
    const Timer* running = nullptr;

    ClockTimers& of(clockid_t clock) { return clocks[clock == CLOCK_REALTIME ? 1 : 0]; }
    void remove(Timer& timer, const Deadline& deadline) {
      auto& by_time = of(deadline.clock).by_time;
      auto [it, end] = by_time.equal_range(deadline.at_ns);
      while (it != end && it->second != &timer) ++it;
      if (it != end) by_time.erase(it);
    }
  };
  Guarded<State, LockLevel::kTimer> state;
  // Those of expire_soon(), which the thread has not armed yet. Taken after `state`, or alone.
  Guarded<std::vector<Timer*>, LockLevel::kLeaf> hurried;
  std::condition_variable_any callback_done;
  UniqueFd hurry;  // readable: there are some
  UniqueFd stop;   // readable: the thread shall end
  std::thread thread;

  void run();
  void expire(std::size_t index);
  void arm_locked(State& state, Timer& timer, const Deadline& deadline);
  void arm_hurried();
  void forget_locked(State& state, Timer& timer);
};

TimerQueue::TimerQueue() : impl_(std::make_unique<Impl>()) {}

TimerQueue::~TimerQueue() {
  if (!impl_->thread.joinable()) return;
  (void)HOST_CALL(::eventfd_write(impl_->stop.get(), 1));
  impl_->thread.join();
}

Result<void> TimerQueue::start() {
  impl_->stop = TRY(own_fd(::eventfd(0, EFD_CLOEXEC)));
  impl_->hurry = TRY(own_fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)));
  if (!impl_->hurried.lock()->empty()) (void)HOST_CALL(::eventfd_write(impl_->hurry.get(), 1));
  {
    auto state = impl_->state.lock();
    for (ClockTimers& timers : state->clocks) {
      timers.host_timer = TRY(own_fd(::timerfd_create(timers.clock, TFD_CLOEXEC | TFD_NONBLOCK)));
      timers.set_host_timer(false);
    }
  }
  impl_->thread = std::thread([this] { impl_->run(); });
  return {};
}

void TimerQueue::clock_changed() { impl_->state.lock()->of(CLOCK_REALTIME).set_host_timer(true); }

void TimerQueue::Impl::run() {
  std::array<pollfd, 4> polled{};
  for (std::size_t i = 0; i < 2; ++i) polled[i] = {state.lock()->clocks[i].host_timer.get(), POLLIN, 0};
  polled[2] = {stop.get(), POLLIN, 0};
  polled[3] = {hurry.get(), POLLIN, 0};
  for (;;) {
    if (!HOST_CALL(::poll(polled.data(), polled.size(), -1)).ok() || polled[2].revents != 0) return;
    if (polled[3].revents != 0) arm_hurried();
    for (std::size_t i = 0; i < 2; ++i)
      if (polled[i].revents != 0) expire(i);
  }
}

// Calls what is due on one clock, one timer at a time, since each callback may change every other timer.
void TimerQueue::Impl::expire(std::size_t index) {
  auto access = state.lock();
  ClockTimers& timers = access->clocks[index];
  std::uint64_t expirations;
  (void)!::read(timers.host_timer.get(), &expirations, sizeof expirations);
  while (!timers.by_time.empty() && timers.by_time.begin()->first <= now_ns(timers.clock)) {
    Timer* timer = timers.by_time.begin()->second;
    timers.by_time.erase(timers.by_time.begin());
    timer->armed_ = false;
    access->running = timer;
    const std::function<void()> expire = timer->expire_;  // a copy: the callback may destroy its timer
    access.unlock();
    expire();
    access.relock();
    access->running = nullptr;
    callback_done.notify_all();
  }
  timers.set_host_timer(true);
}

Timer::Timer(TimerQueue& queue, std::function<void()> expire) : queue_(queue), expire_(std::move(expire)) {}

Timer::~Timer() { disarm(); }

void TimerQueue::Impl::arm_locked(State& all, Timer& timer, const Deadline& deadline) {
  if (timer.armed_) all.remove(timer, timer.deadline_);
  timer.armed_ = true;
  timer.deadline_ = deadline;
  ClockTimers& timers = all.of(deadline.clock);
  timers.by_time.emplace(deadline.at_ns, &timer);
  timers.set_host_timer(false);
}

void TimerQueue::Impl::arm_hurried() {
  eventfd_t count;
  (void)HOST_CALL(::eventfd_read(hurry.get(), &count));
  auto access = state.lock();
  auto waiting = hurried.lock();
  for (Timer* timer : *waiting) {
    timer->hurried_ = false;
    arm_locked(*access, *timer, Deadline{CLOCK_MONOTONIC, 0});
  }
  waiting->clear();
}

void TimerQueue::Impl::forget_locked(State& all, Timer& timer) {
  if (timer.armed_) all.remove(timer, timer.deadline_);
  timer.armed_ = false;
  auto waiting = hurried.lock();
  if (timer.hurried_) std::erase(*waiting, &timer);
  timer.hurried_ = false;
}

void Timer::arm(const Deadline& deadline) {
  auto state = queue_.impl_->state.lock();
  queue_.impl_->arm_locked(*state, *this, deadline);
}

void Timer::expire_soon() {
  {
    auto waiting = queue_.impl_->hurried.lock();
    if (hurried_) return;
    hurried_ = true;
    waiting->push_back(this);
  }
  // Before start() there is nobody to tell.
  if (queue_.impl_->hurry) (void)HOST_CALL(::eventfd_write(queue_.impl_->hurry.get(), 1));
}

void Timer::cancel() {
  auto state = queue_.impl_->state.lock();
  queue_.impl_->forget_locked(*state, *this);
}

void Timer::disarm() {
  auto state = queue_.impl_->state.lock();
  queue_.impl_->forget_locked(*state, *this);
  if (std::this_thread::get_id() == queue_.impl_->thread.get_id()) return;
  queue_.impl_->callback_done.wait(state.underlying(), [&] { return state->running != this; });
  // A callback that was under way may have armed it again.
  queue_.impl_->forget_locked(*state, *this);
}

}  // namespace runsc
