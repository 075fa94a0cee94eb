#include "boot/kernel/posix_timers.h"

#include <sched.h>

#include "boot/kernel/kernel_test_support.h"
#include "boot/kernel/signal_send.h"

namespace runsc {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr SignalSet kBlocked = SignalSet::of(SIGUSR1) | SignalSet::of(SIGALRM);

class PosixTimersTest : public KernelTest {
 protected:
  PosixTimersTest() {
    init = new_process();
    process = new_process(init);
    set_blocked_signals(*kernel.tasks().lock(), *process, kBlocked);
  }
  PosixTimers& timers() { return process->group()->posix_timers(); }
  int create(int notify = SIGEV_SIGNAL, std::weak_ptr<Task> thread = {}, const TimerClock& clock = {}) {
    const TimerEvent event{notify, SIGUSR1, 77, std::move(thread)};
    return *timers().create(*kernel.tasks().lock(), clock, event, false);
  }
  IntervalSetting set(int id, std::int64_t remaining, std::int64_t interval, bool absolute = false) {
    return *timers().set(*kernel.tasks().lock(), id, {remaining, interval}, absolute);
  }
  // Lets time pass until a signal is there.
  SignalInfo wait_for(SignalSet signals = kBlocked) {
    for (;;) {
      if (const auto info = dequeue_signal(*kernel.tasks().lock(), *process, signals)) return *info;
      ::sched_yield();
    }
  }
  template <typename F>
  auto with_links(F use) {
    auto tree = kernel.tasks().lock();
    return use(process->group()->links(*tree));
  }
  std::size_t queued() {
    return with_links([](ThreadGroupLinks& links) { return links.pending.queued(); });
  }

  TaskPtr init, process;
};

TEST_F(PosixTimersTest, OneShotSendsItsValueOnce) {
  const int id = create();
  set(id, kMillisecond, 0);
  const SignalInfo info = wait_for();
  EXPECT_EQ(info.signo, SIGUSR1);
  EXPECT_EQ(info.code, SI_TIMER);
  EXPECT_EQ(info.get<std::int32_t>(0), id);
  EXPECT_EQ(info.value(), 77U);
  EXPECT_EQ(info.pad, 0);
  EXPECT_EQ(timers().get(*kernel.tasks().lock(), id)->remaining, 0);
  EXPECT_EQ(*timers().overrun(*kernel.tasks().lock(), id), 0);
}

TEST_F(PosixTimersTest, PeriodsMissedAreTheOverrun) {
  const int id = create();
  const std::int64_t start = now_ns(CLOCK_MONOTONIC);
  set(id, kMillisecond, kMillisecond);
  while (now_ns(CLOCK_MONOTONIC) < start + 10 * kMillisecond) ::sched_yield();
  while (queued() == 0) ::sched_yield();
  EXPECT_EQ(queued(), 1U);
  const SignalInfo info = wait_for();
  EXPECT_GE(info.get<std::int32_t>(4), 8);
  EXPECT_EQ(*timers().overrun(*kernel.tasks().lock(), id), info.get<std::int32_t>(4));
  wait_for();  // it goes on
}

TEST_F(PosixTimersTest, SettingItAnewForgetsItsSignal) {
  const int id = create();
  set(id, 1, 0);
  while (queued() == 0) ::sched_yield();
  set(id, 3600 * kNanosecondsPerSecond, 5);
  EXPECT_EQ(queued(), 0U);
  const auto setting = timers().get(*kernel.tasks().lock(), id);
  EXPECT_GT(setting->remaining, 3500 * kNanosecondsPerSecond);
  EXPECT_EQ(setting->interval, 5);
  const IntervalSetting old = set(id, 0, 0);
  EXPECT_GT(old.remaining, 3500 * kNanosecondsPerSecond);
  EXPECT_EQ(timers().get(*kernel.tasks().lock(), id)->remaining, 0);
}

TEST_F(PosixTimersTest, DeletingForgetsItsSignal) {
  const int id = create();
  set(id, 1, 1);
  while (queued() == 0) ::sched_yield();
  EXPECT_TRUE(timers().remove(*kernel.tasks().lock(), id).ok());
  EXPECT_EQ(queued(), 0U);
  EXPECT_EQ(timers().remove(*kernel.tasks().lock(), id).error(), Errno(EINVAL));
}

TEST_F(PosixTimersTest, TimersOfOneSignalAreQueuedBesideEachOther) {
  const int first = create(), second = create();
  set(first, 1, 0);
  set(second, 1, 0);
  while (queued() < 2) ::sched_yield();
  const int sum = wait_for().get<std::int32_t>(0) + wait_for().get<std::int32_t>(0);
  EXPECT_EQ(sum, first + second);
}

TEST_F(PosixTimersTest, AbsoluteTimeOnTheWallClock) {
  TimerClock clock;
  clock.id = CLOCK_REALTIME;
  const int id = create(SIGEV_SIGNAL, {}, clock);
  set(id, now_ns(CLOCK_REALTIME) + kMillisecond, 0, true);
  EXPECT_EQ(wait_for().get<std::int32_t>(0), id);
  set(id, 1, 0, true);  // long ago
  EXPECT_EQ(wait_for().get<std::int32_t>(0), id);
}

TEST_F(PosixTimersTest, SilentTimerOnlyCounts) {
  const int id = create(SIGEV_NONE);
  set(id, 1, 0);
  while (timers().get(*kernel.tasks().lock(), id)->remaining != 0) ::sched_yield();
  EXPECT_EQ(queued(), 0U);
}

TEST_F(PosixTimersTest, ThreadIsTold) {
  const TaskPtr thread = new_thread(process);
  set_action(process, SIGUSR1, kSomeHandler);
  const int id = create(SIGEV_THREAD_ID, thread);
  set(id, 1, 0);
  while (!thread->has_work()) ::sched_yield();
  EXPECT_EQ(queued(), 0U);
  EXPECT_TRUE(dequeue_signal(*kernel.tasks().lock(), *thread, kBlocked));
}

TEST_F(PosixTimersTest, DeletedWhileItFires) {
  for (int i = 0; i < 200; ++i) {
    const int id = create();
    set(id, 1, 1);
    if (i % 2 != 0) ::sched_yield();
    EXPECT_TRUE(timers().remove(*kernel.tasks().lock(), id).ok());
  }
}

TEST_F(PosixTimersTest, AForgedTimerSignalChangesNothing) {
  const int id = create();
  set(id, 3600 * kNanosecondsPerSecond, 1);
  SignalInfo forged;
  forged.signo = SIGUSR1;
  forged.code = SI_TIMER;
  forged.set_timer(id, 5, 6);
  (void)send_signal_to_group(*kernel.tasks().lock(), *process->group(), forged);
  EXPECT_EQ(wait_for().get<std::int32_t>(4), 5);
  EXPECT_EQ(*timers().overrun(*kernel.tasks().lock(), id), 0);
}

class IntervalTimersTest : public PosixTimersTest {
 protected:
  IntervalTimers& timers() { return process->group()->interval_timers(); }
  void set_cpu_seconds(int seconds) {
    with_links([&](ThreadGroupLinks& links) { links.ended_tasks.system_ns = seconds * kNanosecondsPerSecond; });
  }
};

TEST_F(IntervalTimersTest, RealTimerRepeatsWhenItsSignalIsTaken) {
  (void)timers().set(*kernel.tasks().lock(), ITIMER_REAL, {kMillisecond, kMillisecond});
  for (int i = 0; i < 3; ++i) {
    const SignalInfo info = wait_for();
    EXPECT_EQ(info.signo, SIGALRM);
    EXPECT_EQ(info.code, SI_KERNEL);
  }
  const IntervalSetting old = timers().set(*kernel.tasks().lock(), ITIMER_REAL, {});
  EXPECT_EQ(old.interval, kMillisecond);
  EXPECT_EQ(timers().get(*kernel.tasks().lock(), ITIMER_REAL).remaining, 0);
}

TEST_F(IntervalTimersTest, OneShotIsOverAfterItsSignal) {
  (void)timers().set(*kernel.tasks().lock(), ITIMER_REAL, {1, 0});
  (void)wait_for();
  EXPECT_EQ(timers().get(*kernel.tasks().lock(), ITIMER_REAL).remaining, 0);
}

TEST_F(IntervalTimersTest, CpuTimerCountsTheTimeOfEndedThreads) {
  set_blocked_signals(*kernel.tasks().lock(), *process, SignalSet::of(SIGPROF));
  (void)timers().set(*kernel.tasks().lock(), ITIMER_PROF, {50 * kMillisecond, 0});
  EXPECT_EQ(timers().get(*kernel.tasks().lock(), ITIMER_PROF).remaining, 50 * kMillisecond);
  with_links([](ThreadGroupLinks& links) { links.ended_tasks.user_ns += 60 * kMillisecond; });
  EXPECT_EQ(wait_for(SignalSet::of(SIGPROF)).signo, SIGPROF);
}

TEST_F(IntervalTimersTest, CpuLimitWarnsAndKills) {
  set_blocked_signals(*kernel.tasks().lock(), *process, SignalSet::of(SIGXCPU));
  process->group()->limits().set(RLIMIT_CPU, {1, 3});
  set_cpu_seconds(1);
  timers().cpu_limit_changed(*kernel.tasks().lock());
  EXPECT_EQ(wait_for(SignalSet::of(SIGXCPU)).signo, SIGXCPU);
  set_cpu_seconds(3);
  while (!with_links([](ThreadGroupLinks& links) { return links.exiting; })) ::sched_yield();
  EXPECT_EQ(links(process).exit_status, SIGKILL);
}

}  // namespace
}  // namespace runsc
