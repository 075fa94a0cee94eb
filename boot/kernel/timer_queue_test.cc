#include "boot/kernel/timer_queue.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace runsc {
namespace {

constexpr std::int64_t kMillisecond = 1'000'000;

// Counts expirations; tests wait for a number of them, for as long as it takes.
class Counter {
 public:
  void hit() {
    std::lock_guard lock(mutex_);
    ++count_;
    changed_.notify_all();
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }
  int count() {
    std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

class TimerQueueTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(queue.start().ok()); }
  TimerQueue queue;
  Counter counter;
};

TEST_F(TimerQueueTest, ExpiresNotBeforeItsTime) {
  const Deadline deadline = Deadline::after(5 * kMillisecond);
  bool passed = false;
  Timer timer(queue, [&] {
    passed = deadline.passed();
    counter.hit();
  });
  timer.arm(deadline);
  counter.wait_for(1);
  EXPECT_TRUE(passed);
}

TEST_F(TimerQueueTest, ExpiresSoonUnderALockOfANotification) {
  Timer timer(queue, [&] { counter.hit(); });
  Guarded<int, LockLevel::kWaitQueue> notifying(0);
  {
    const auto lock = notifying.lock();
    timer.expire_soon();
    timer.expire_soon();
  }
  counter.wait_for(1);
  timer.expire_soon();
  counter.wait_for(2);
}

TEST(TimerQueueStart, RunsWhatWasToExpireSoonBefore) {
  TimerQueue queue;
  Counter counter;
  Timer early(queue, [&] { counter.hit(); });
  early.expire_soon();
  {
    Timer gone(queue, [&] { counter.hit(); });
    gone.expire_soon();
  }
  ASSERT_TRUE(queue.start().ok());
  counter.wait_for(1);
  early.disarm();
  EXPECT_EQ(1, counter.count());
}

TEST_F(TimerQueueTest, ExpiresInOrderOfTime) {
  std::vector<int> order;
  const auto note = [&](int which) {
    return [&, which] {
      order.push_back(which);
      counter.hit();
    };
  };
  Timer late(queue, note(2)), early(queue, note(1));
  late.arm(Deadline::after(20 * kMillisecond));
  early.arm(Deadline::after(kMillisecond));
  counter.wait_for(2);
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
}

TEST_F(TimerQueueTest, WallClockDeadline) {
  Timer timer(queue, [&] { counter.hit(); });
  timer.arm({CLOCK_REALTIME, now_ns(CLOCK_REALTIME) + 2 * kMillisecond});
  counter.wait_for(1);
}

TEST_F(TimerQueueTest, PastDeadlineExpiresAtOnce) {
  Timer timer(queue, [&] { counter.hit(); });
  timer.arm({CLOCK_MONOTONIC, -5});
  counter.wait_for(1);
}

TEST_F(TimerQueueTest, ACallbackMayArmAgain) {
  std::optional<Timer> timer;
  timer.emplace(queue, [&] {
    if (counter.count() < 2) timer->arm(Deadline::after(kMillisecond));
    counter.hit();
  });
  timer->arm(Deadline::after(0));
  counter.wait_for(3);
}

TEST_F(TimerQueueTest, DisarmedOrRearmedNeverExpiresEarly) {
  Timer disarmed(queue, [&] { ADD_FAILURE(); });
  disarmed.arm(Deadline::after(3 * kMillisecond));
  disarmed.disarm();
  Timer postponed(queue, [&] { ADD_FAILURE(); });
  postponed.arm(Deadline::after(3 * kMillisecond));
  postponed.arm(Deadline::after(3600 * kNanosecondsPerSecond));
  Timer cancelled(queue, [&] { ADD_FAILURE(); });
  cancelled.arm(Deadline::after(3 * kMillisecond));
  cancelled.cancel();
  Timer later(queue, [&] { counter.hit(); });
  later.arm(Deadline::after(10 * kMillisecond));
  counter.wait_for(1);
}

TEST_F(TimerQueueTest, DisarmWaitsForTheCallback) {
  for (int i = 0; i < 50; ++i) {
    Counter started;
    bool ended = false;
    Timer timer(queue, [&] {
      started.hit();
      ended = true;
    });
    timer.arm(Deadline::after(0));
    started.wait_for(1);
    timer.disarm();
    EXPECT_TRUE(ended);
  }
}

TEST(TimerQueue, TimersArmedBeforeTheStartExpireAfterIt) {
  TimerQueue queue;
  Counter counter;
  Timer timer(queue, [&] { counter.hit(); });
  timer.arm(Deadline::after(0));
  ASSERT_TRUE(queue.start().ok());
  counter.wait_for(1);
}

}  // namespace
}  // namespace runsc
