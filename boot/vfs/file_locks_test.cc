#include "boot/vfs/file_locks.h"

#include <gtest/gtest.h>

namespace runsc {
namespace {

const int kOwners[3] = {};

RecordLock lock(LockType type, std::uint64_t start, std::uint64_t end, int owner, bool ofd = false) {
  return {type, start, end, {&kOwners[owner], ofd}, owner};
}

int error_of(const Result<void>& result) { return result.ok() ? 0 : result.error().value(); }

TEST(FileLocks, WritersExclude) {
  FileLocks locks;
  EXPECT_EQ(error_of(locks.set(lock(LockType::kRead, 0, 9, 0))), 0);
  EXPECT_EQ(error_of(locks.set(lock(LockType::kRead, 5, 20, 1))), 0);
  EXPECT_EQ(error_of(locks.set(lock(LockType::kWrite, 9, 9, 1))), EAGAIN);
  EXPECT_EQ(error_of(locks.set(lock(LockType::kWrite, 10, 15, 1))), 0);
  const auto conflict = locks.conflict(lock(LockType::kRead, 0, 100, 0));
  ASSERT_TRUE(conflict.has_value());
  EXPECT_EQ(conflict->start, 10u);
  EXPECT_EQ(conflict->end, 15u);
  EXPECT_EQ(conflict->pid, 1);
}

TEST(FileLocks, SplitsAndJoinsRanges) {
  FileLocks locks;
  ASSERT_EQ(error_of(locks.set(lock(LockType::kWrite, 0, 99, 0))), 0);
  ASSERT_EQ(error_of(locks.set(lock(LockType::kUnlock, 40, 59, 0))), 0);
  ASSERT_EQ(locks.records().size(), 2u);
  EXPECT_EQ(locks.records()[0].end, 39u);
  EXPECT_EQ(locks.records()[1].start, 60u);
  ASSERT_EQ(error_of(locks.set(lock(LockType::kWrite, 40, 59, 0))), 0);
  ASSERT_EQ(locks.records().size(), 1u);
  EXPECT_EQ(locks.records()[0].end, 99u);
  ASSERT_EQ(error_of(locks.set(lock(LockType::kRead, 10, RecordLock::kToEof, 0))), 0);
  ASSERT_EQ(locks.records().size(), 2u);
  locks.release_records({&kOwners[0], false});
  EXPECT_TRUE(locks.records().empty());
}

TEST(FileLocks, DescriptionsAndProcessesAreDifferentOwners) {
  FileLocks locks;
  ASSERT_EQ(error_of(locks.set(lock(LockType::kWrite, 0, 9, 0))), 0);
  EXPECT_EQ(error_of(locks.set(lock(LockType::kWrite, 0, 9, 0, true))), EAGAIN);
}

struct Counter : Waiter {
  void notify(EventMask) override { ++count; }
  int count = 0;
};

TEST(FileLocks, TellsWaiters) {
  FileLocks locks;
  Counter counter;
  locks.wait_queue().add(counter, POLLIN);
  ASSERT_EQ(error_of(locks.set(lock(LockType::kWrite, 0, 9, 0))), 0);
  EXPECT_EQ(counter.count, 0);
  ASSERT_EQ(error_of(locks.set(lock(LockType::kRead, 0, 9, 0))), 0);
  EXPECT_EQ(counter.count, 1);
  ASSERT_EQ(error_of(locks.set(lock(LockType::kUnlock, 0, 9, 0))), 0);
  EXPECT_EQ(counter.count, 2);
  locks.wait_queue().remove(counter);
}

TEST(FileLocks, FlockConvertsAndExcludes) {
  FileLocks locks;
  EXPECT_EQ(error_of(locks.flock(&kOwners[0], LockType::kRead)), 0);
  EXPECT_EQ(error_of(locks.flock(&kOwners[1], LockType::kRead)), 0);
  EXPECT_EQ(error_of(locks.flock(&kOwners[0], LockType::kWrite)), EAGAIN);
  EXPECT_EQ(error_of(locks.flock(&kOwners[1], LockType::kWrite)), 0);
  EXPECT_EQ(error_of(locks.flock(&kOwners[1], LockType::kUnlock)), 0);
  EXPECT_EQ(error_of(locks.flock(&kOwners[0], LockType::kWrite)), 0);
}

TEST(LockWaits, FindsCycles) {
  LockWaits waits;
  const LockOwner a{&kOwners[0], false}, b{&kOwners[1], false}, c{&kOwners[2], false};
  auto first = waits.begin(a, b);
  ASSERT_TRUE(first.ok());
  {
    auto second = waits.begin(b, c);
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(waits.begin(c, a).error(), Errno(EDEADLK));
  }
  EXPECT_TRUE(waits.begin(c, a).ok());
  EXPECT_TRUE(waits.begin({&kOwners[1], true}, a).ok());
}

}  // namespace
}  // namespace runsc
