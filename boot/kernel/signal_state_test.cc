#include "boot/kernel/signal_state.h"

#include <gtest/gtest.h>

namespace runsc {
namespace {

constexpr SignalSet kAll(~0ULL);
constexpr std::size_t kNoLimit = 1000;

SignalInfo make(int signal, int code = SI_USER, std::uint64_t value = 0) {
  SignalInfo info;
  info.signo = signal;
  info.code = code;
  info.set_value(value);
  return info;
}

TEST(PendingSignals, StandardSignalIsPendingOnce) {
  PendingSignals pending;
  EXPECT_TRUE(pending.add(make(SIGUSR1, SI_QUEUE, 1), kNoLimit).ok());
  EXPECT_TRUE(pending.add(make(SIGUSR1, SI_QUEUE, 2), kNoLimit).ok());
  EXPECT_EQ(pending.take(kAll)->value(), 1U);
  EXPECT_FALSE(pending.take(kAll));
  EXPECT_TRUE(pending.set().empty());
}

TEST(PendingSignals, RealTimeSignalsQueueInOrder) {
  PendingSignals pending;
  for (const int value : {1, 2}) EXPECT_TRUE(pending.add(make(40, SI_QUEUE, value), kNoLimit).ok());
  EXPECT_TRUE(pending.add(make(35, SI_QUEUE, 3), kNoLimit).ok());
  EXPECT_EQ(pending.take(kAll)->value(), 3U);
  EXPECT_EQ(pending.take(kAll)->value(), 1U);
  EXPECT_TRUE(pending.set().contains(40));
  EXPECT_EQ(pending.take(kAll)->value(), 2U);
  EXPECT_TRUE(pending.set().empty());
}

TEST(PendingSignals, SynchronousSignalsComeFirst) {
  PendingSignals pending;
  EXPECT_TRUE(pending.add(make(SIGHUP), kNoLimit).ok());
  EXPECT_TRUE(pending.add(make(SIGSEGV), kNoLimit).ok());
  EXPECT_EQ(pending.take(kAll)->signo, SIGSEGV);
  EXPECT_EQ(pending.take(kAll)->signo, SIGHUP);
}

TEST(PendingSignals, TakesOnlyWhatIsWanted) {
  PendingSignals pending;
  EXPECT_TRUE(pending.add(make(SIGHUP), kNoLimit).ok());
  EXPECT_FALSE(pending.take(~SignalSet::of(SIGHUP)));
  EXPECT_TRUE(pending.set().contains(SIGHUP));
}

TEST(PendingSignals, LimitIsAnErrorForQueuedRealTimeSignals) {
  PendingSignals pending;
  EXPECT_EQ(pending.add(make(40, SI_QUEUE), 0).error(), Errno(EAGAIN));
  EXPECT_TRUE(pending.set().empty());
}

TEST(PendingSignals, BeyondTheLimitKillLosesTheDetails) {
  PendingSignals pending;
  EXPECT_TRUE(pending.add(make(40, SI_USER, 7), 0).ok());
  const auto info = pending.take(kAll);
  EXPECT_EQ(info->signo, 40);
  EXPECT_EQ(info->code, SI_USER);
  EXPECT_EQ(info->value(), 0U);
}

TEST(PendingSignals, StandardSignalsOfTheKernelKnowNoLimit) {
  PendingSignals pending;
  EXPECT_TRUE(pending.add(make(SIGCHLD, CLD_EXITED, 7), 0).ok());
  EXPECT_EQ(pending.take(kAll)->value(), 7U);
}

TEST(PendingSignals, DiscardRemovesAllOfANumber) {
  PendingSignals pending;
  for (const int signal : {SIGTSTP, 40, 40, SIGHUP}) EXPECT_TRUE(pending.add(make(signal), kNoLimit).ok());
  pending.discard(SignalSet::of(40) | SignalSet::of(SIGTSTP));
  EXPECT_EQ(pending.set(), SignalSet::of(SIGHUP));
  EXPECT_EQ(pending.queued(), 1U);
}

TEST(PendingSignals, TwoTimersWithOneSignalAreBothQueued) {
  PendingSignals pending;
  SignalInfo first = make(SIGALRM, SI_TIMER), second = make(SIGALRM, SI_TIMER);
  first.pad = 1;
  second.pad = 2;
  pending.add_timer_signal(first);
  EXPECT_TRUE(pending.has_timer_signal(first));
  EXPECT_FALSE(pending.has_timer_signal(second));
  pending.add_timer_signal(second);
  EXPECT_EQ(pending.take(kAll)->pad, 1);
  pending.discard_timer_signal(second);
  EXPECT_TRUE(pending.set().empty());
}

TEST(SignalHandlers, ExecKeepsOnlyWhatIsIgnored) {
  SignalHandlers handlers;
  handlers[SIGHUP] = {reinterpret_cast<std::uint64_t>(SIG_IGN), SA_RESTART, 5, SignalSet(1)};
  handlers[SIGINT] = {0x1000, SA_RESTART, 5, SignalSet(1)};
  handlers.reset_for_exec();
  EXPECT_TRUE(is_ignore(handlers[SIGHUP]));
  EXPECT_EQ(handlers[SIGHUP].flags, 0U);
  EXPECT_TRUE(is_default(handlers[SIGINT]));
  EXPECT_TRUE(handlers[SIGINT].mask.empty());
}

TEST(DefaultAction, OfSomeSignals) {
  EXPECT_EQ(default_action(SIGKILL), DefaultAction::kTerminate);
  EXPECT_EQ(default_action(SIGSTOP), DefaultAction::kStop);
  EXPECT_EQ(default_action(SIGCONT), DefaultAction::kContinue);
  EXPECT_EQ(default_action(SIGABRT), DefaultAction::kCore);
  EXPECT_EQ(default_action(SIGCHLD), DefaultAction::kIgnore);
  EXPECT_EQ(default_action(kSignalCount), DefaultAction::kTerminate);
}

}  // namespace
}  // namespace runsc
