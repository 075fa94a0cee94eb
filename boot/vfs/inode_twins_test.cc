#include "boot/vfs/inode_twins.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <vector>

namespace runsc {
namespace {

TEST(InodeTwins, MeetWhileOneOfThemExists) {
  InodeTwins twins;
  auto first = twins.commons({1, 2, S_IFSOCK});
  *first->attachment.lock() = std::make_shared<int>(5);
  auto second = twins.commons({1, 2, S_IFSOCK});
  EXPECT_EQ(first, second);
  first.reset();
  EXPECT_NE(*twins.commons({1, 2, S_IFSOCK})->attachment.lock(), nullptr);
  second.reset();
  EXPECT_EQ(*twins.commons({1, 2, S_IFSOCK})->attachment.lock(), nullptr);
}

// What is attached to a file of one type must never be taken for that of another.
TEST(InodeTwins, AreOfOneType) {
  InodeTwins twins;
  const auto socket = twins.commons({1, 2, S_IFSOCK});
  EXPECT_NE(twins.commons({1, 2, S_IFIFO}), socket);
  EXPECT_NE(twins.commons({1, 3, S_IFSOCK}), socket);
  EXPECT_NE(twins.commons({2, 2, S_IFSOCK}), socket);
}

TEST(InodeTwins, ForgetsThoseThatAreGone) {
  InodeTwins twins;
  const auto kept = twins.commons({9, 9, S_IFREG});
  std::vector<InodeCommonsPtr> many;
  for (std::uint64_t i = 0; i < 1000; ++i) many.push_back(twins.commons({1, i, S_IFREG}));
  EXPECT_EQ(twins.commons({1, 7, S_IFREG}), many[7]);
  many.clear();
  for (std::uint64_t i = 0; i < 3000; ++i) (void)twins.commons({2, i, S_IFREG});
  EXPECT_EQ(twins.commons({9, 9, S_IFREG}), kept);
}

}  // namespace
}  // namespace runsc
