#include "boot/kernel/posix_timers.h"

#include <algorithm>
#include <limits>

#include "boot/base/checked.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/signal_send.h"
#include "boot/kernel/task.h"
#include "boot/kernel/thread_group.h"

namespace runsc {
namespace {

constexpr std::int64_t kForever = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMostOverruns = std::numeric_limits<int>::max();  // DELAYTIMER_MAX
// How often a timer whose signal is ignored looks whether that is still so: its period may be tiny.
constexpr std::int64_t kIgnoredPeriod = 4'000'000;

std::int64_t saturated_sum(std::int64_t a, std::int64_t b) { return checked_add(a, b).value_or(kForever); }

// When the timer thread shall look at a clock that reads `now` and is to reach `expires`.
Deadline wake_time(const TimerClock& clock, std::int64_t expires, std::int64_t now) {
  if (clock.is_cpu_clock()) return next_cpu_sample(expires - now);
  if (clock.id == CLOCK_REALTIME || clock.id == CLOCK_MONOTONIC) return {clock.id, expires};
  // The others run at the rate of one of these and differ by an offset.
  const clockid_t base = clock.id == CLOCK_TAI ? CLOCK_REALTIME : CLOCK_MONOTONIC;
  return {base, saturated_sum(now_ns(base), expires - now)};
}

std::int64_t of_kind(const Usage& usage, const TimerClock& clock) {
  return clock.user_time_only ? usage.user_ns : usage.user_ns + usage.system_ns;
}

}  // namespace

Result<std::int64_t> read_clock(TaskTree& tree, const TimerClock& clock) {
  if (clock.id == CLOCK_THREAD_CPUTIME_ID) {
    const auto thread = clock.thread.lock();
    if (!thread || thread->links(tree).exited) return Errno(ESRCH);
    return of_kind(thread->usage(), clock);
  }
  if (clock.id == CLOCK_PROCESS_CPUTIME_ID) {
    const auto process = clock.process.lock();
    if (!process) return Errno(ESRCH);
    const CpuTime time = cpu_time(tree, *process);
    return clock.user_time_only ? time.user_ns : time.total();
  }
  return now_ns(clock.id);
}

struct PosixTimers::Entry : std::enable_shared_from_this<Entry> {
  Entry(PosixTimers& timers, TimerQueue& queue) : timer(queue, [&timers, this] { timers.expired(weak_from_this()); }) {}

  int id = 0;
  TimerClock clock;
  TimerClock active;  // what it counts on since it was set: a duration of wall time is one of monotonic time
  TimerEvent event;
  std::int32_t generation = 0;  // changes with each setting: tells a queued signal of an older one apart
  std::int64_t expires = 0;     // on the clock; 0: disarmed
  std::int64_t interval = 0;
  int last_overrun = 0;          // of the signal taken last
  bool waits_for_taker = false;  // the signal is queued; the next period begins when it is taken
  Timer timer;

  SignalInfo signal() const {
    SignalInfo info;
    info.signo = event.signal;
    info.code = SI_TIMER;
    info.pad = generation;
    info.set_timer(id, 0, event.value);
    return info;
  }
};

PosixTimers::PosixTimers(ThreadGroup& group, TimerQueue& queue) : group_(group), queue_(queue) {}

PosixTimers::~PosixTimers() = default;

std::shared_ptr<PosixTimers::Entry> PosixTimers::find(int id) const {
  const auto it = timers_.find(id);
  return it != timers_.end() ? it->second : nullptr;
}

Result<int> PosixTimers::create(TaskTree&, const TimerClock& clock, TimerEvent event, bool value_is_id) {
  // Each timer reserves the memory of its signal.
  if (timers_.size() >= group_.limits().soft(RLIMIT_SIGPENDING)) return Errno(EAGAIN);
  while (timers_.contains(next_id_)) next_id_ = next_id_ == std::numeric_limits<int>::max() ? 0 : next_id_ + 1;
  auto entry = std::make_shared<Entry>(*this, queue_);
  entry->id = next_id_++;
  if (next_id_ < 0) next_id_ = 0;
  entry->clock = entry->active = clock;
  entry->event = std::move(event);
  if (value_is_id) entry->event.value = static_cast<std::uint64_t>(entry->id);
  timers_.emplace(entry->id, entry);
  return entry->id;
}

IntervalSetting PosixTimers::setting_of(TaskTree& tree, const Entry& entry) const {
  if (entry.expires == 0) return {0, entry.interval};
  const std::int64_t now = read_clock(tree, entry.active).value_or(0);
  std::int64_t expires = entry.expires;
  // A period that nobody has started yet, because nobody is told or the signal was not taken.
  if (now >= expires && entry.interval != 0) expires += ((now - expires) / entry.interval + 1) * entry.interval;
  if (now < expires) return {expires - now, entry.interval};
  // Expired once and for all; Linux says 1 until the signal is out, and 0 for timers that send none.
  return {entry.event.notify == SIGEV_NONE ? 0 : 1, entry.interval};
}

Result<IntervalSetting> PosixTimers::get(TaskTree& tree, int id) {
  const auto entry = find(id);
  if (!entry) return Errno(EINVAL);
  return setting_of(tree, *entry);
}

Result<IntervalSetting> PosixTimers::set(TaskTree& tree, int id, const IntervalSetting& setting, bool absolute) {
  const auto entry = find(id);
  if (!entry) return Errno(EINVAL);
  const IntervalSetting old = setting_of(tree, *entry);
  TimerClock active = entry->clock;
  if (!absolute && (active.id == CLOCK_REALTIME || active.id == CLOCK_TAI)) active.id = CLOCK_MONOTONIC;
  const std::int64_t now = TRY(read_clock(tree, active));
  entry->active = active;
  entry->timer.cancel();
  forget_signal(tree, *entry);
  entry->generation = next_generation_;
  next_generation_ = next_generation_ == std::numeric_limits<std::int32_t>::max() ? 1 : next_generation_ + 1;
  entry->last_overrun = 0;
  entry->expires = 0;
  entry->interval = 0;
  if (setting.remaining == 0) return old;
  entry->interval = setting.interval;
  entry->expires = absolute ? setting.remaining : saturated_sum(now, setting.remaining);
  arm(tree, *entry);
  return old;
}

Result<int> PosixTimers::overrun(TaskTree&, int id) {
  const auto entry = find(id);
  if (!entry) return Errno(EINVAL);
  return entry->last_overrun;
}

Result<void> PosixTimers::remove(TaskTree& tree, int id) {
  const auto entry = find(id);
  if (!entry) return Errno(EINVAL);
  entry->timer.cancel();
  forget_signal(tree, *entry);
  timers_.erase(id);
  return {};
}

void PosixTimers::clear(TaskTree& tree) {
  for (const auto& [id, entry] : timers_) {
    entry->timer.cancel();
    forget_signal(tree, *entry);
  }
  timers_.clear();
}

void PosixTimers::forget_signal(TaskTree& tree, Entry& entry) {
  if (!entry.waits_for_taker) return;
  entry.waits_for_taker = false;
  group_.links(tree).pending.discard_timer_signal(entry.signal());
  if (const auto thread = entry.event.thread.lock()) thread->signals(tree).pending.discard_timer_signal(entry.signal());
}

void PosixTimers::arm(TaskTree& tree, Entry& entry) {
  if (entry.event.notify == SIGEV_NONE) return;
  const Result<std::int64_t> now = read_clock(tree, entry.active);
  if (now.ok()) entry.timer.arm(wake_time(entry.active, entry.expires, *now));
}

void PosixTimers::expired(const std::weak_ptr<Entry>& weak_entry) {
  // The group may be in its destruction: see Timer. Both references are dropped after the lock.
  const auto alive = group_.weak_from_this().lock();
  const auto entry = weak_entry.lock();
  if (!alive || !entry) return;
  auto tree = group_.kernel().tasks().lock();
  if (find(entry->id) != entry || entry->expires == 0 || entry->waits_for_taker) return;
  if (group_.links(*tree).zombie) return;
  const Result<std::int64_t> now = read_clock(*tree, entry->active);
  if (!now.ok()) return;
  if (*now < entry->expires) return arm(*tree, *entry);
  fire(*tree, *entry, *now);
}

void PosixTimers::fire(TaskTree& tree, Entry& entry, std::int64_t now) {
  const auto thread = entry.event.thread.lock();
  const bool to_thread = entry.event.notify == SIGEV_THREAD_ID;
  entry.waits_for_taker = (!to_thread || thread) && send_timer_signal(tree, group_, thread.get(), entry.signal());
  if (entry.interval == 0) entry.expires = 0;
  if (entry.waits_for_taker || entry.interval == 0) return;
  const std::int64_t step = std::max(entry.interval, kIgnoredPeriod / entry.interval * entry.interval);
  entry.expires = saturated_sum(entry.expires, ((now - entry.expires) / step + 1) * step);
  arm(tree, entry);
}

void PosixTimers::signal_taken(TaskTree& tree, SignalInfo& info) {
  const auto entry = find(info.get<std::int32_t>(0));
  if (!entry || entry->generation != info.pad || !entry->waits_for_taker) return;
  entry->waits_for_taker = false;
  std::int64_t missed = 0;
  if (entry->interval != 0) {
    const std::int64_t now = read_clock(tree, entry->active).value_or(0);
    if (now > entry->expires) missed = (now - entry->expires) / entry->interval;
    entry->expires = saturated_sum(entry->expires, (missed + 1) * entry->interval);
    arm(tree, *entry);
  }
  entry->last_overrun = static_cast<int>(std::min(missed, kMostOverruns));
  info.set_timer(entry->id, entry->last_overrun, entry->event.value);
}

}  // namespace runsc
