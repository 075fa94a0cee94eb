// Clocks, sleeping, interval timers and POSIX timers.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>
#include <time.h>

#include <atomic>
#include <thread>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

namespace guest {
namespace {

int64_t Nanoseconds(const timespec& t) { return t.tv_sec * int64_t{1000000000} + t.tv_nsec; }

int64_t Now(clockid_t clock) {
  timespec t = {};
  EXPECT_OK(clock_gettime(clock, &t));
  return Nanoseconds(t);
}

timespec Spec(int64_t ns) { return {ns / 1000000000, ns % 1000000000}; }

TEST(Clock, EveryClockReadsAndHasAResolution) {
  for (clockid_t clock :
       {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
        CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI}) {
    timespec t = {-1, -1};
    EXPECT_OK(clock_gettime(clock, &t)) << clock;
    EXPECT_GE(t.tv_sec, 0);
    EXPECT_LT(t.tv_nsec, 1000000000);
    timespec resolution = {};
    EXPECT_OK(clock_getres(clock, &resolution)) << clock;
    EXPECT_GT(Nanoseconds(resolution), 0);
    EXPECT_OK(syscall(SYS_clock_getres, clock, nullptr));
  }
}

TEST(Clock, HighResolutionIsOneNanosecond) {
  timespec resolution = {};
  EXPECT_OK(clock_getres(CLOCK_MONOTONIC, &resolution));
  EXPECT_EQ(1, Nanoseconds(resolution));
}

TEST(Clock, UnknownClockIsEinval) {
  timespec t = {};
  EXPECT_ERRNO(clock_gettime(99, &t), EINVAL);
  EXPECT_ERRNO(clock_getres(99, &t), EINVAL);
  EXPECT_ERRNO(syscall(SYS_clock_nanosleep, 99, 0, &t, nullptr), EINVAL);
}

TEST(Clock, MonotonicNeverGoesBack) {
  int64_t last = 0;
  for (int i = 0; i < 10000; ++i) {
    int64_t now = Now(CLOCK_MONOTONIC);
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, SystemCallAndVdsoAgree) {
  timespec raw = {};
  int64_t before = Now(CLOCK_MONOTONIC);
  EXPECT_OK(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &raw));
  int64_t after = Now(CLOCK_MONOTONIC);
  EXPECT_LE(before, Nanoseconds(raw));
  EXPECT_GE(after, Nanoseconds(raw));
}

TEST(Clock, GettimeofdayAndTimeAgreeWithRealtime) {
  int64_t before = Now(CLOCK_REALTIME_COARSE) / 1000000000;
  timeval tv = {};
  EXPECT_OK(syscall(SYS_gettimeofday, &tv, nullptr));
  time_t t = static_cast<time_t>(syscall(SYS_time, nullptr));
  int64_t after = Now(CLOCK_REALTIME) / 1000000000;
  EXPECT_TRUE(before <= tv.tv_sec && tv.tv_sec <= after);
  EXPECT_TRUE(before <= t && t <= after);
}

TEST(Clock, ProcessTimeAdvancesWithWork) {
  int64_t start = Now(CLOCK_PROCESS_CPUTIME_ID);
  while (Now(CLOCK_PROCESS_CPUTIME_ID) < start + 2000000) {
  }
}

TEST(Clock, ProcessTimeStandsStillInSleep) {
  int64_t start = Now(CLOCK_THREAD_CPUTIME_ID), wall = Now(CLOCK_MONOTONIC);
  usleep(100000);
  EXPECT_LT(Now(CLOCK_THREAD_CPUTIME_ID) - start, Now(CLOCK_MONOTONIC) - wall);
}

TEST(Clock, CpuClockOfAnotherProcess) {
  Child child([] { pause(); });
  clockid_t clock;
  ASSERT_EQ(0, clock_getcpuclockid(child.pid(), &clock));
  timespec t;
  EXPECT_OK(clock_gettime(clock, &t));
}

TEST(Clock, SettingNeedsPrivilege) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    timespec t = {1000, 0};
    EXPECT_ERRNO(clock_settime(CLOCK_REALTIME, &t), EPERM);
    timeval tv = {1000, 0};
    EXPECT_ERRNO(settimeofday(&tv, nullptr), EPERM);
  });
}

TEST(Clock, SettingMonotonicIsEinval) {
  timespec t = {1000, 0};
  EXPECT_ERRNO(clock_settime(CLOCK_MONOTONIC, &t), EINVAL);
}

TEST(Clock, TimesReportsTicks) {
  tms buffer = {};
  EXPECT_OK(times(&buffer));
  EXPECT_GE(buffer.tms_utime, 0);
  EXPECT_EQ(0, buffer.tms_cutime + buffer.tms_cstime >= 0 ? 0 : 1);
  EXPECT_OK(syscall(SYS_times, nullptr));
}

TEST(Nanosleep, SleepsAtLeastTheTime) {
  int64_t start = Now(CLOCK_MONOTONIC);
  timespec t = Spec(5000000);
  EXPECT_OK(nanosleep(&t, nullptr));
  EXPECT_GE(Now(CLOCK_MONOTONIC) - start, 5000000);
}

TEST(Nanosleep, ZeroReturnsAtOnce) {
  timespec t = {};
  EXPECT_OK(nanosleep(&t, nullptr));
}

TEST(Nanosleep, RefusesBadTimes) {
  timespec t = {0, 1000000000};
  EXPECT_ERRNO(nanosleep(&t, nullptr), EINVAL);
  t = {-1, 0};
  EXPECT_ERRNO(nanosleep(&t, nullptr), EINVAL);
  t = {0, -1};
  EXPECT_ERRNO(nanosleep(&t, nullptr), EINVAL);
}

TEST(ClockNanosleep, AbsoluteInThePastReturnsAtOnce) {
  timespec t = {1, 0};
  EXPECT_EQ(0, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, nullptr));
  EXPECT_EQ(0, clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, nullptr));
}

TEST(ClockNanosleep, AbsoluteSleepsUntilThen) {
  for (clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    timespec t = Spec(Now(clock) + 3000000);
    EXPECT_EQ(0, clock_nanosleep(clock, TIMER_ABSTIME, &t, nullptr));
    EXPECT_GE(Now(clock), Nanoseconds(t));
  }
}

TEST(ClockNanosleep, AbsoluteInterruptedLeavesTheRestAlone) {
  ScopedHandler handler(SIGUSR1, IgnoreSignal);
  Pester pester(SIGUSR1);
  timespec t = Spec(Now(CLOCK_MONOTONIC) + int64_t{3600} * 1000000000), rest = {77, 77};
  EXPECT_EQ(EINTR, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, &rest));
  EXPECT_EQ(77, rest.tv_sec);
}

TEST(ClockNanosleep, ThreadCpuClockIsRefused) {
  timespec t = {0, 1};
  EXPECT_EQ(EINVAL, clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, nullptr));
  EXPECT_ERRNO(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &t, nullptr), EOPNOTSUPP);
}

std::atomic<int> alarms;
void CountAlarm(int) { ++alarms; }

TEST(Alarm, ReturnsTheSecondsThatWereLeft) {
  InChild([] {
    EXPECT_EQ(0u, alarm(100));
    unsigned left = alarm(0);
    EXPECT_TRUE(left == 100 || left == 99) << left;
    EXPECT_EQ(0u, alarm(0));
  });
}

TEST(Alarm, KillsByDefault) {
  int status = StatusOf([] {
    alarm(1);
    for (;;) pause();
  });
  EXPECT_EQ(SIGALRM, WTERMSIG(status));
}

TEST(Itimer, RealTimerRepeats) {
  InChild([] {
    alarms = 0;
    ScopedHandler handler(SIGALRM, CountAlarm);
    itimerval timer = {{0, 2000}, {0, 2000}};
    ASSERT_OK(setitimer(ITIMER_REAL, &timer, nullptr));
    while (alarms < 5) pause();
    itimerval now = {}, zero = {};
    EXPECT_OK(getitimer(ITIMER_REAL, &now));
    EXPECT_EQ(2000, now.it_interval.tv_usec);
    EXPECT_OK(setitimer(ITIMER_REAL, &zero, &now));
    EXPECT_EQ(2000, now.it_interval.tv_usec);
    EXPECT_OK(getitimer(ITIMER_REAL, &now));
    EXPECT_EQ(0, now.it_value.tv_usec + now.it_value.tv_sec);
  });
}

TEST(Itimer, OneShotFiresOnce) {
  InChild([] {
    alarms = 0;
    ScopedHandler handler(SIGALRM, CountAlarm);
    itimerval timer = {{0, 0}, {0, 1000}};
    ASSERT_OK(setitimer(ITIMER_REAL, &timer, nullptr));
    while (alarms == 0) usleep(1000);
    usleep(20000);
    EXPECT_EQ(1, alarms);
  });
}

TEST(Itimer, VirtualAndProfCountCpuTime) {
  InChild([] {
    alarms = 0;
    ScopedHandler virtual_handler(SIGVTALRM, CountAlarm);
    ScopedHandler prof_handler(SIGPROF, CountAlarm);
    itimerval timer = {{0, 0}, {0, 10000}};
    ASSERT_OK(setitimer(ITIMER_VIRTUAL, &timer, nullptr));
    ASSERT_OK(setitimer(ITIMER_PROF, &timer, nullptr));
    while (alarms < 2) {
    }
  });
}

TEST(Itimer, RefusesBadValues) {
  itimerval timer = {{0, 0}, {0, 1000000}};
  EXPECT_ERRNO(setitimer(ITIMER_REAL, &timer, nullptr), EINVAL);
  timer = {{0, 0}, {-1, 0}};
  EXPECT_ERRNO(setitimer(ITIMER_REAL, &timer, nullptr), EINVAL);
  EXPECT_ERRNO(syscall(SYS_getitimer, 3, &timer), EINVAL);
}

class PosixTimer {
 public:
  PosixTimer(clockid_t clock, sigevent event) { EXPECT_OK(syscall(SYS_timer_create, clock, &event, &id_)); }
  ~PosixTimer() { syscall(SYS_timer_delete, id_); }
  long Set(int64_t first, int64_t interval, int flags = 0) {
    itimerspec spec = {Spec(interval), Spec(first)};
    return syscall(SYS_timer_settime, id_, flags, &spec, nullptr);
  }
  itimerspec Get() {
    itimerspec spec = {};
    EXPECT_OK(syscall(SYS_timer_gettime, id_, &spec));
    return spec;
  }
  int id() const { return id_; }

 private:
  int id_ = -1;
};

sigevent SignalEvent(int signal, int value) {
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = signal;
  event.sigev_value.sival_int = value;
  return event;
}

TEST(PosixTimers, SignalCarriesValueAndCode) {
  ScopedBlock block({SIGRTMIN});
  PosixTimer timer(CLOCK_MONOTONIC, SignalEvent(SIGRTMIN, 4711));
  EXPECT_OK(timer.Set(1000000, 0));
  sigset_t set = SignalSet({SIGRTMIN});
  siginfo_t info = {};
  EXPECT_EQ(SIGRTMIN, sigwaitinfo(&set, &info));
  EXPECT_EQ(SI_TIMER, info.si_code);
  EXPECT_EQ(4711, info.si_value.sival_int);
  EXPECT_EQ(0, info.si_overrun);
  EXPECT_EQ(timer.id(), info.si_timerid);
}

TEST(PosixTimers, NullEventMeansSigalrm) {
  ScopedBlock block({SIGALRM});
  int id;
  ASSERT_OK(syscall(SYS_timer_create, CLOCK_MONOTONIC, nullptr, &id));
  itimerspec spec = {{}, Spec(1000000)};
  EXPECT_OK(syscall(SYS_timer_settime, id, 0, &spec, nullptr));
  sigset_t set = SignalSet({SIGALRM});
  siginfo_t info = {};
  EXPECT_EQ(SIGALRM, sigwaitinfo(&set, &info));
  EXPECT_EQ(id, info.si_value.sival_int);
  EXPECT_OK(syscall(SYS_timer_delete, id));
}

TEST(PosixTimers, OverrunsAreCounted) {
  ScopedBlock block({SIGRTMIN});
  PosixTimer timer(CLOCK_MONOTONIC, SignalEvent(SIGRTMIN, 0));
  EXPECT_OK(timer.Set(1000000, 1000000));
  usleep(50000);
  sigset_t set = SignalSet({SIGRTMIN});
  siginfo_t info = {};
  EXPECT_EQ(SIGRTMIN, sigwaitinfo(&set, &info));
  EXPECT_GT(info.si_overrun, 3);
  EXPECT_EQ(info.si_overrun, syscall(SYS_timer_getoverrun, timer.id()));
  EXPECT_OK(timer.Set(0, 0));
}

TEST(PosixTimers, ThreadIdTargetsTheThread) {
  static std::atomic<pid_t> taker;
  taker = 0;
  ScopedHandler handler(SIGRTMIN, [](int) { taker = static_cast<pid_t>(syscall(SYS_gettid)); });
  std::thread thread([] {
    sigevent event = SignalEvent(SIGRTMIN, 0);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_notify_thread_id = static_cast<pid_t>(syscall(SYS_gettid));
    PosixTimer timer(CLOCK_MONOTONIC, event);
    EXPECT_OK(timer.Set(1000000, 0));
    while (taker == 0) usleep(1000);
    EXPECT_EQ(syscall(SYS_gettid), taker);
  });
  thread.join();
}

TEST(PosixTimers, ThreadIdOfAnotherProcessIsRefused) {
  Child child([] { pause(); });
  sigevent event = SignalEvent(SIGRTMIN, 0);
  event.sigev_notify = SIGEV_THREAD_ID;
  event.sigev_notify_thread_id = child.pid();
  int id;
  EXPECT_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
}

TEST(PosixTimers, NotifyNoneCanBeRead) {
  sigevent event = {};
  event.sigev_notify = SIGEV_NONE;
  PosixTimer timer(CLOCK_MONOTONIC, event);
  EXPECT_OK(timer.Set(int64_t{1000} * 1000000000, 5));
  itimerspec left = timer.Get();
  EXPECT_GT(left.it_value.tv_sec, 900);
  EXPECT_LE(left.it_value.tv_sec, 1000);
  EXPECT_EQ(5, left.it_interval.tv_nsec);
}

TEST(PosixTimers, DisarmedReadsZero) {
  PosixTimer timer(CLOCK_MONOTONIC, SignalEvent(SIGRTMIN, 0));
  EXPECT_EQ(0, Nanoseconds(timer.Get().it_value));
  EXPECT_OK(timer.Set(int64_t{1000} * 1000000000, 0));
  EXPECT_OK(timer.Set(0, 0));
  EXPECT_EQ(0, Nanoseconds(timer.Get().it_value));
}

TEST(PosixTimers, AbsoluteInThePastFiresAtOnce) {
  ScopedBlock block({SIGRTMIN});
  PosixTimer timer(CLOCK_REALTIME, SignalEvent(SIGRTMIN, 0));
  EXPECT_OK(timer.Set(1, 0, TIMER_ABSTIME));
  sigset_t set = SignalSet({SIGRTMIN});
  EXPECT_EQ(SIGRTMIN, sigwaitinfo(&set, nullptr));
}

TEST(PosixTimers, CpuTimeClock) {
  ScopedBlock block({SIGRTMIN});
  PosixTimer timer(CLOCK_PROCESS_CPUTIME_ID, SignalEvent(SIGRTMIN, 0));
  EXPECT_OK(timer.Set(3000000, 0));
  sigset_t pending;
  do {
    sigpending(&pending);
  } while (!sigismember(&pending, SIGRTMIN));
  sigset_t set = SignalSet({SIGRTMIN});
  EXPECT_EQ(SIGRTMIN, sigwaitinfo(&set, nullptr));
}

TEST(PosixTimers, UnknownIdAndClockAreRefused) {
  itimerspec spec = {};
  int id;
  EXPECT_ERRNO(syscall(SYS_timer_settime, 123456, 0, &spec, nullptr), EINVAL);
  EXPECT_ERRNO(syscall(SYS_timer_gettime, 123456, &spec), EINVAL);
  EXPECT_ERRNO(syscall(SYS_timer_delete, 123456), EINVAL);
  EXPECT_ERRNO(syscall(SYS_timer_getoverrun, 123456), EINVAL);
  EXPECT_ERRNO(syscall(SYS_timer_create, 99, nullptr, &id), EINVAL);
  sigevent event = SignalEvent(100, 0);
  EXPECT_ERRNO(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &id), EINVAL);
}

TEST(PosixTimers, AreNotInheritedByFork) {
  PosixTimer timer(CLOCK_MONOTONIC, SignalEvent(SIGRTMIN, 0));
  InChild([&] {
    itimerspec spec;
    EXPECT_ERRNO(syscall(SYS_timer_gettime, timer.id(), &spec), EINVAL);
  });
}

TEST(PosixTimers, DeletedTimerIsSilent) {
  ScopedBlock block({SIGRTMIN});
  {
    PosixTimer timer(CLOCK_MONOTONIC, SignalEvent(SIGRTMIN, 0));
    EXPECT_OK(timer.Set(5000000, 5000000));
  }
  sigset_t set = SignalSet({SIGRTMIN});
  timespec t = Spec(20000000);
  EXPECT_ERRNO(sigtimedwait(&set, nullptr, &t), EAGAIN);
}

TEST(PosixTimers, LibcThreadNotification) {
  static std::atomic<int> calls;
  calls = 0;
  sigevent event = {};
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = [](sigval) { ++calls; };
  timer_t timer;
  ASSERT_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
  itimerspec spec = {{}, Spec(1000000)};
  ASSERT_OK(timer_settime(timer, 0, &spec, nullptr));
  while (calls == 0) usleep(1000);
  timer_delete(timer);
}

TEST(Adjtimex, ReadingIsAllowed) {
  timex t = {};
  EXPECT_OK(adjtimex(&t));
  EXPECT_GT(t.tick, 0);
}

}  // namespace
}  // namespace guest
