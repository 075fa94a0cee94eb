#include "boot/kernel/interval_timers.h"

#include <unistd.h>

#include <algorithm>
#include <limits>

#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/task.h"
#include "boot/kernel/thread_group.h"

namespace runsc {
namespace {

constexpr std::int64_t kSampleAtLeast = 1'000'000;  // a scheduler tick

// Time left on a clock that says `now`; an expired timer whose signal is under way has the shortest possible time left.
std::int64_t time_left(std::int64_t expires, std::int64_t now) {
  return expires == 0 ? 0 : std::max<std::int64_t>(expires - now, 1000);
}

// The first time after `now` in steps of `interval` from `expired`.
std::int64_t next_period(std::int64_t expired, std::int64_t interval, std::int64_t now) {
  const std::int64_t missed = now > expired ? (now - expired) / interval : 0;
  return expired + (missed + 1) * interval;
}

std::int64_t saturated_sum(std::int64_t a, std::int64_t b) {
  return checked_add(a, b).value_or(std::numeric_limits<std::int64_t>::max());
}

}  // namespace

CpuTime cpu_time(TaskTree& tree, ThreadGroup& group) {
  const ThreadGroupLinks& links = group.links(tree);
  Usage usage = links.ended_tasks;
  for (const auto& task : links.tasks)
    if (!task->links(tree).exited) usage.add(task->usage());
  return {usage.user_ns, usage.system_ns};
}

Deadline next_cpu_sample(std::int64_t remaining) {
  static const std::int64_t processors = std::max<long>(::sysconf(_SC_NPROCESSORS_ONLN), 1);
  return Deadline::after(std::max(remaining / processors, kSampleAtLeast));
}

// Callbacks may come while the group is being destroyed, possibly under the tree's lock: they first make sure that it
// lives (see Timer).
IntervalTimers::IntervalTimers(ThreadGroup& group, TimerQueue& queue)
    : group_(group), real_(queue, [this] { real_expired(); }), sampler_(queue, [this] { sample(); }) {
  read_cpu_limit();
  if (next_cpu_warning_ != 0) sampler_.arm(next_cpu_sample(next_cpu_warning_));
}

IntervalTimers::~IntervalTimers() = default;

IntervalSetting IntervalTimers::get(TaskTree& tree, int which) {
  if (which == ITIMER_REAL) return {time_left(real_expires_, now_ns(CLOCK_MONOTONIC)), real_interval_};
  const CpuTime time = cpu_time(tree, group_);
  const CpuTimer& timer = cpu_timer(which);
  return {time_left(timer.expires, which == ITIMER_VIRTUAL ? time.user_ns : time.total()), timer.interval};
}

IntervalSetting IntervalTimers::set(TaskTree& tree, int which, const IntervalSetting& setting) {
  const IntervalSetting old = get(tree, which);
  if (which == ITIMER_REAL) {
    real_interval_ = setting.interval;
    real_expires_ = setting.remaining == 0 ? 0 : saturated_sum(now_ns(CLOCK_MONOTONIC), setting.remaining);
    if (real_expires_ == 0) {
      real_.cancel();
    } else {
      real_.arm({CLOCK_MONOTONIC, real_expires_});
    }
    return old;
  }
  const CpuTime time = cpu_time(tree, group_);
  const std::int64_t now = which == ITIMER_VIRTUAL ? time.user_ns : time.total();
  cpu_timer(which) = {setting.remaining == 0 ? 0 : saturated_sum(now, setting.remaining), setting.interval};
  arm_sampler(tree);
  return old;
}

void IntervalTimers::real_expired() {
  const auto alive = group_.weak_from_this().lock();
  if (!alive) return;
  auto tree = group_.kernel().tasks().lock();
  // Meanwhile it may have been set anew.
  if (real_expires_ == 0 || now_ns(CLOCK_MONOTONIC) < real_expires_) return;
  if (real_interval_ == 0) real_expires_ = 0;
  (void)send_signal_to_group(*tree, group_, kernel_signal(SIGALRM));
}

void IntervalTimers::real_signal_taken(TaskTree&) {
  const std::int64_t now = now_ns(CLOCK_MONOTONIC);
  if (real_interval_ == 0 || real_expires_ == 0 || now < real_expires_) return;
  real_expires_ = next_period(real_expires_, real_interval_, now);
  real_.arm({CLOCK_MONOTONIC, real_expires_});
}

void IntervalTimers::read_cpu_limit() {
  const std::uint64_t seconds = group_.limits().soft(RLIMIT_CPU);
  // RLIMIT_CPU 0 counts as one second.
  next_cpu_warning_ = seconds > std::numeric_limits<std::int64_t>::max() / kNanosecondsPerSecond
                          ? 0
                          : std::max<std::int64_t>(seconds, 1) * kNanosecondsPerSecond;
}

void IntervalTimers::cpu_limit_changed(TaskTree& tree) {
  read_cpu_limit();
  arm_sampler(tree);
}

void IntervalTimers::sample() {
  const auto alive = group_.weak_from_this().lock();
  if (!alive) return;
  auto tree = group_.kernel().tasks().lock();
  sample(*tree);
}

void IntervalTimers::sample(TaskTree& tree) {
  const CpuTime time = cpu_time(tree, group_);
  check_cpu_timer(tree, virtual_, time.user_ns, SIGVTALRM);
  check_cpu_timer(tree, profile_, time.total(), SIGPROF);
  check_cpu_limit(tree, time.total());
  arm_sampler(tree);
}

void IntervalTimers::check_cpu_timer(TaskTree& tree, CpuTimer& timer, std::int64_t now, int signal) {
  if (timer.expires == 0 || now < timer.expires) return;
  timer.expires = timer.interval == 0 ? 0 : next_period(timer.expires, timer.interval, now);
  (void)send_signal_to_group(tree, group_, kernel_signal(signal));
}

void IntervalTimers::check_cpu_limit(TaskTree& tree, std::int64_t now) {
  if (next_cpu_warning_ == 0 || now < next_cpu_warning_) return;
  const Limit limit = group_.limits().get(RLIMIT_CPU);
  if (static_cast<std::uint64_t>(now / kNanosecondsPerSecond) >= limit.hard) {
    (void)send_signal_to_group(tree, group_, kernel_signal(SIGKILL));
    return;
  }
  (void)send_signal_to_group(tree, group_, kernel_signal(SIGXCPU));
  next_cpu_warning_ = (now / kNanosecondsPerSecond + 1) * kNanosecondsPerSecond;
}

void IntervalTimers::arm_sampler(TaskTree& tree) {
  if (virtual_.expires == 0 && profile_.expires == 0 && next_cpu_warning_ == 0) return sampler_.cancel();
  if (group_.links(tree).living == 0) return;
  const CpuTime time = cpu_time(tree, group_);
  std::int64_t remaining = std::numeric_limits<std::int64_t>::max();
  if (virtual_.expires != 0) remaining = std::min(remaining, virtual_.expires - time.user_ns);
  if (profile_.expires != 0) remaining = std::min(remaining, profile_.expires - time.total());
  if (next_cpu_warning_ != 0) remaining = std::min(remaining, next_cpu_warning_ - time.total());
  sampler_.arm(next_cpu_sample(remaining));
}

}  // namespace runsc
