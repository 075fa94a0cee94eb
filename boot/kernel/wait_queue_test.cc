#include "boot/kernel/wait_queue.h"

#include <gtest/gtest.h>

#include <thread>

namespace runsc {
namespace {

struct Counter : Waiter {
  void notify(EventMask) override { ++count; }
  bool expired() const override { return is_expired; }
  int count = 0;
  bool is_expired = false;
};

TEST(WaitQueue, OneExclusiveWaiterAndAllOthersHear) {
  WaitQueue queue;
  Counter plain, first, second, late;
  queue.add(plain, POLLIN);
  queue.add_exclusive(first, POLLIN);
  queue.add_exclusive(second, POLLIN);
  queue.add(late, POLLIN);
  queue.notify(POLLIN);
  EXPECT_EQ(plain.count, 1);
  EXPECT_EQ(first.count + second.count, 1);
  EXPECT_EQ(late.count, 1);
  queue.notify(POLLOUT);
  EXPECT_EQ(plain.count, 1);
  queue.notify(POLLHUP);
  EXPECT_EQ(plain.count, 2);
  for (Counter* waiter : {&plain, &first, &second, &late}) queue.remove(*waiter);
  EXPECT_FALSE(queue.has_waiters());
}

TEST(WaitQueue, DropsOwnedWaitersOnceTheyExpired) {
  WaitQueue queue;
  auto waiter = std::make_shared<Counter>();
  std::weak_ptr<Counter> watched = waiter;
  queue.add_owned(waiter, POLLIN, false);
  queue.notify(POLLIN);
  EXPECT_TRUE(queue.has_waiters());
  waiter->is_expired = true;
  waiter.reset();
  EXPECT_FALSE(watched.expired());
  queue.notify(POLLIN);
  EXPECT_TRUE(watched.expired());
  EXPECT_FALSE(queue.has_waiters());
}

TEST(Sleeper, LosesNoWakeUp) {
  Sleeper sleeper;
  std::atomic<int> turn{0};
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) {
      turn.fetch_add(1);
      sleeper.wake();
    }
  });
  for (;;) {
    const auto ticket = sleeper.prepare();
    if (turn.load() == 1000) break;
    ASSERT_TRUE(sleeper.sleep(ticket, std::nullopt).ok());
  }
  other.join();
}

}  // namespace
}  // namespace runsc
