#include "boot/fs/gofer/change_time.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace runsc {
namespace {

TEST(ChangeTime, IsSettledWhenOlderThanTheClocksTick) {
  const timespec now{1000, 500'000'000};
  EXPECT_TRUE(is_settled({900, 1}, now));
  EXPECT_TRUE(is_settled({1000, 400'000'000}, now));
  EXPECT_FALSE(is_settled({1000, 480'000'000}, now));
  EXPECT_FALSE(is_settled({1000, 500'000'001}, now));
  EXPECT_FALSE(is_settled({2000, 1}, now));
  EXPECT_FALSE(is_settled({999, 0}, now)) << "whole seconds";
  EXPECT_TRUE(is_settled({998, 0}, now));
  EXPECT_TRUE(is_settled({INT64_MIN, 0}, now));
  EXPECT_FALSE(is_settled({INT64_MAX, 0}, now));
}

}  // namespace
}  // namespace runsc
