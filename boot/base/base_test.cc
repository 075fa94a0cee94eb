#include <fcntl.h>
#include <gtest/gtest.h>

#include "boot/base/checked.h"
#include "boot/base/lock.h"
#include "boot/base/printable.h"
#include "boot/base/result.h"
#include "boot/base/unique_fd.h"

namespace runsc {
namespace {

Result<int> half(int value) {
  if (value % 2 != 0) return Errno(EINVAL);
  return value / 2;
}

Result<void> check(int value) {
  TRY(half(value));
  return {};
}

Result<int> quarter(int value) {
  TRY(check(value));
  const int once = TRY(half(value));
  return TRY(half(once));
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error(), Errno(EINVAL));
  EXPECT_STREQ(errno_name(Errno(ENOENT)), "ENOENT");
}

TEST(UniqueFd, ClosesOnce) {
  int raw = -1;
  {
    UniqueFd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ASSERT_TRUE(fd.valid());
    raw = fd.get();
    UniqueFd moved = std::move(fd);
    EXPECT_FALSE(fd.valid());  // NOLINT: the moved-from state is what is tested
    EXPECT_EQ(moved.get(), raw);
  }
  EXPECT_EQ(::fcntl(raw, F_GETFD), -1);
}

TEST(Checked, RefusesToWrap) {
  EXPECT_FALSE(checked_add<std::uint64_t>(~0ULL, 1));
  EXPECT_EQ(page_ceil(1), kPageSize);
  EXPECT_FALSE(page_ceil(~0ULL));
}

#ifndef NDEBUG
TEST(LockDeathTest, WrongOrderAborts) {
  Mutex<LockLevel::kTasks> tasks;
  Mutex<LockLevel::kMemory> memory;
  EXPECT_DEATH(
      {
        const std::lock_guard outer(tasks);
        const std::lock_guard inner(memory);
      },
      "lock order");
}

TEST(LockDeathTest, UseAfterUnlockAborts) {
  Guarded<int, LockLevel::kLeaf> value(1);
  auto access = value.lock();
  access.unlock();
  EXPECT_DEATH(*access = 2, "without its lock");
  access.relock();
  *access = 3;
  EXPECT_EQ(*access, 3);
}
#endif

TEST(PrintableTest, NothingSteersATerminal) {
  EXPECT_EQ(printable("a\033[2Jb\nc\td\x7f \xc3\xa9"), "a?[2Jb?c?d? \xc3\xa9");
}

}  // namespace
}  // namespace runsc
