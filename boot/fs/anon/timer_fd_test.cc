#include "boot/fs/anon/timer_fd.h"

#include <gtest/gtest.h>

#include <memory>

namespace runsc {
namespace {

Result<std::uint64_t> read(TimerFd& file) {
  std::uint64_t value = 0;
  BufferSink sink(std::as_writable_bytes(std::span(&value, 1)));
  TRY(file.read(sink, std::nullopt, 0));
  return value;
}

std::uint64_t wait_and_read(TimerFd& file) {
  Sleeper sleeper;
  ScopedWait wait(*file.wait_queue(), sleeper, POLLIN);
  for (;;) {
    const auto ticket = sleeper.prepare();
    const auto result = read(file);
    if (result.ok()) return *result;
    (void)sleeper.sleep(ticket, std::nullopt);
  }
}

class TimerFdTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(queue.start().ok()); }
  TimerQueue queue;
};

TEST_F(TimerFdTest, FiresOnceWithoutInterval) {
  TimerFd file(queue, CLOCK_MONOTONIC, 0);
  EXPECT_EQ(read(file).error(), Errno(EAGAIN));
  file.set(0, {{0, 0}, {0, 1'000'000}});
  EXPECT_EQ(wait_and_read(file), 1u);
  EXPECT_EQ(read(file).error(), Errno(EAGAIN));
  EXPECT_EQ(file.get().it_value.tv_sec + file.get().it_value.tv_nsec, 0);
}

TEST_F(TimerFdTest, IntervalsAddUpWhileNobodyReads) {
  for (const clockid_t clock : {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME}) {
    TimerFd file(queue, clock, 0);
    // Due since ten periods ago.
    const std::int64_t due = now_ns(clock) - 10'000'000'000;
    file.set(TFD_TIMER_ABSTIME, {{1, 0}, to_timespec(due)});
    EXPECT_GE(wait_and_read(file), 11u);
    EXPECT_EQ(file.get().it_interval.tv_sec, 1);
  }
}

TEST_F(TimerFdTest, DisarmingTakesThePendingExpirationAway) {
  TimerFd file(queue, CLOCK_MONOTONIC, 0);
  file.set(TFD_TIMER_ABSTIME, {{0, 0}, {0, 1}});
  while (file.readiness(POLLIN) == 0) {
  }
  const itimerspec old = file.set(0, {});
  EXPECT_EQ(old.it_value.tv_sec, 0);
  EXPECT_EQ(read(file).error(), Errno(EAGAIN));
}

TEST_F(TimerFdTest, ManyTinyIntervalsCostNothing) {
  TimerFd file(queue, CLOCK_MONOTONIC, 0);
  file.set(0, {{0, 1}, {0, 1}});
  EXPECT_GT(wait_and_read(file), 0u);
  EXPECT_GT(wait_and_read(file), 0u);
}

}  // namespace
}  // namespace runsc
