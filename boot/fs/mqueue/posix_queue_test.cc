#include "boot/fs/mqueue/posix_queue.h"

#include <gtest/gtest.h>

#include <csignal>

#include "boot/fs/mqueue/mqueue_file_system.h"
#include "boot/kernel/kernel_test_support.h"

namespace runsc {
namespace {

QueuedMessage message(unsigned priority, std::size_t size) { return {priority, std::vector<std::byte>(size)}; }

TEST(PosixQueue, GivesTheHighestPriorityFirstAndKeepsTheOrderWithin) {
  PosixQueue queue({4, 8}, nullptr);
  for (const auto& [priority, size] : {std::pair{1U, 1U}, {9U, 2U}, {1U, 3U}}) {
    QueuedMessage one = message(priority, size);
    ASSERT_TRUE(queue.send(one).ok());
  }
  for (const std::size_t size : {2U, 1U, 3U}) {
    const Result<QueuedMessage> got = queue.receive(8);
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->bytes.size(), size);
  }
  EXPECT_EQ(queue.receive(8).error(), Errno(EAGAIN));
}

TEST(PosixQueue, IsBounded) {
  PosixQueue queue({1, 8}, nullptr);
  QueuedMessage small = message(0, 8), second = message(0, 1), large = message(0, 9);
  EXPECT_EQ(queue.send(large).error(), Errno(EMSGSIZE));
  ASSERT_TRUE(queue.send(small).ok());
  EXPECT_EQ(queue.send(second).error(), Errno(EAGAIN));
  EXPECT_EQ(second.bytes.size(), 1U) << "what finds no room stays with the sender";
  EXPECT_EQ(queue.receive(7).error(), Errno(EMSGSIZE));
  EXPECT_EQ(queue.readiness() & (POLLIN | POLLOUT), static_cast<EventMask>(POLLIN));
}

class MqueueNotified : public KernelTest {};

TEST_F(MqueueNotified, OnceAndOnlyWhileNobodyWaits) {
  const TaskPtr task = new_process();
  PosixQueue queue({4, 8}, nullptr);
  const MqueueNotification wanted{task->group(), SIGEV_SIGNAL, SIGUSR1, 7, Pid{1}};
  ASSERT_TRUE(queue.set_notification(wanted).ok());
  EXPECT_EQ(queue.set_notification(wanted).error(), Errno(EBUSY));
  QueuedMessage one = message(0, 1), two = message(0, 1), three = message(0, 1);
  queue.add_receiver(1);
  EXPECT_FALSE(queue.send(one)->has_value());
  queue.add_receiver(-1);
  ASSERT_TRUE(queue.receive(8).ok());
  const auto told = queue.send(two);
  ASSERT_TRUE(told.ok() && told->has_value());
  EXPECT_EQ((*told)->signal, SIGUSR1);
  ASSERT_TRUE(queue.receive(8).ok());
  EXPECT_FALSE(queue.send(three)->has_value());
}

TEST(MqueueFileSystem, ChargesTheUserUntilTheQueueIsGone) {
  const auto queues = MqueueFileSystem::create();
  const NewFile file{0600, Uid{5}, Gid{5}};
  constexpr std::uint64_t kRoomForOne = 1500;
  Result<InodePtr> first = queues->make_queue("a", file, {10, 8}, false, kRoomForOne);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(queues->make_queue("b", file, {10, 8}, false, kRoomForOne).error(), Errno(EMFILE));
  ASSERT_TRUE(queues->remove("a", **first).ok());
  EXPECT_EQ(queues->make_queue("b", file, {10, 8}, false, kRoomForOne).error(), Errno(EMFILE)) << "still in use";
  first = Errno(ENOENT);
  EXPECT_TRUE(queues->make_queue("b", file, {10, 8}, false, kRoomForOne).ok());
}

TEST(MqueueFileSystem, RefusesLimitsThatMakeNoSense) {
  const auto queues = MqueueFileSystem::create();
  const NewFile file{0600, Uid{}, Gid{}};
  for (const MqueueLimits& limits :
       {MqueueLimits{0, 8}, MqueueLimits{8, 0}, MqueueLimits{-1, 8}, MqueueLimits{11, 8}, MqueueLimits{8, 8193}})
    EXPECT_EQ(queues->make_queue("a", file, limits, false, ~0ULL).error(), Errno(EINVAL));
  EXPECT_TRUE(queues->make_queue("a", file, {11, 8193}, true, ~0ULL).ok());
  EXPECT_EQ(queues->make_queue("a", file, {8, 8}, false, ~0ULL).error(), Errno(EEXIST));
}

}  // namespace
}  // namespace runsc
