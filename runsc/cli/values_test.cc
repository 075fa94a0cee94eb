#include "runsc/cli/values.h"

#include <gtest/gtest.h>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

using std::chrono::milliseconds;

TEST(Values, Bytes) {
  EXPECT_EQ(parse_bytes("memory", "1000"), 1000);
  EXPECT_EQ(parse_bytes("memory", "0"), 0);
  EXPECT_EQ(parse_bytes("memory", "64m"), 64 << 20);
  EXPECT_EQ(parse_bytes("memory", "64MB"), 64 << 20);
  EXPECT_EQ(parse_bytes("memory", "64 MiB"), 64 << 20);
  EXPECT_EQ(parse_bytes("memory", "1.5k"), 1536);
  EXPECT_EQ(parse_bytes("memory", "32b"), 32);
  EXPECT_EQ(parse_bytes("memory", "-1"), -1);
  for (const char* text : {"", "m", "-2", "64x", "64mm", "64ib", "99999999p", ".", "1 2"}) {
    EXPECT_THROW(parse_bytes("memory", text), UserError) << text;
  }
}

TEST(Values, Numbers) {
  EXPECT_EQ(parse_number("cpu-quota", "-1"), -1);
  EXPECT_EQ(parse_number("cpu-quota", "50000"), 50000);
  for (const char* text : {"", "x", "5x", "99999999999999999999"}) {
    EXPECT_THROW(parse_number("cpu-quota", text), UserError) << text;
  }
}

TEST(Values, Durations) {
  EXPECT_EQ(parse_duration("interval", "5s"), milliseconds(5000));
  EXPECT_EQ(parse_duration("interval", "1m30s"), milliseconds(90000));
  EXPECT_EQ(parse_duration("interval", "1.5s"), milliseconds(1500));
  EXPECT_EQ(parse_duration("interval", "250ms"), milliseconds(250));
  EXPECT_EQ(parse_duration("interval", "0"), milliseconds(0));
  for (const char* text : {"", "5", "s", "-5s", "5s5", "5 s", "1d"}) {
    EXPECT_THROW(parse_duration("interval", text), UserError) << text;
  }
}

}  // namespace
}  // namespace runsc
