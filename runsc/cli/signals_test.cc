#include "runsc/cli/signals.h"

#include <gtest/gtest.h>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

TEST(Signals, NamesAndNumbers) {
  for (const char* text : {"TERM", "SIGTERM", "sigterm", "Term", "15"}) EXPECT_EQ(parse_signal(text), 15) << text;
  EXPECT_EQ(parse_signal("0"), 0);
  EXPECT_EQ(parse_signal("64"), 64);
  EXPECT_EQ(parse_signal("SIGRTMIN+3"), 37);
  EXPECT_EQ(parse_signal("RTMAX-1"), 63);
  EXPECT_EQ(parse_signal("POLL"), 29);
}

TEST(Signals, WhatIsNone) {
  for (const char* text : {"", "FOO", "SIG", "-1", "65", "9x", "RTMIN+31", "RTMIN+-1", "RTMAX-x", "99999999999"}) {
    EXPECT_THROW(parse_signal(text), UserError) << text;
  }
}

}  // namespace
}  // namespace runsc
