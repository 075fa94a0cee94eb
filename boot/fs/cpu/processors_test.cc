#include "boot/fs/cpu/processors.h"

#include <gtest/gtest.h>

namespace runsc {
namespace {

TEST(Processors, ListsJoinNeighbours) {
  EXPECT_EQ("", list_text(0));
  EXPECT_EQ("0", list_text(1));
  EXPECT_EQ("0-3", list_text(0xf));
  EXPECT_EQ("0-2,5,63", list_text(0x8000000000000027ULL));
  EXPECT_EQ("0-63", list_text(~0ULL));
}

TEST(Processors, MasksAreAsWideAsTheMachine) {
  EXPECT_EQ("3", mask_text(3, 2));
  EXPECT_EQ("01", mask_text(1, 8));
  EXPECT_EQ("ffffffff", mask_text(0xffffffff, 32));
  EXPECT_EQ("3,00000001", mask_text(0x300000001ULL, 34));
}

TEST(Processors, NumbersOfASet) {
  EXPECT_EQ(numbers_of(0), std::vector<int>{});
  EXPECT_EQ(numbers_of(0x8000000000000005ULL), (std::vector<int>{0, 2, 63}));
}

}  // namespace
}  // namespace runsc
