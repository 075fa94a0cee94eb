#include "control/transport/library_words.h"

#include <gtest/gtest.h>
#include <kj/debug.h>

#include <stdexcept>
#include <vector>

namespace runsc::control {
namespace {

TEST(LibraryWords, AreToldAndNotPrinted) {
  std::vector<std::string> told;
  testing::internal::CaptureStderr();
  {
    const LibraryWords words([&told](const std::string& text) { told.push_back(text); });
    KJ_LOG(ERROR, "the peer went away");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("the peer went away"), std::string::npos) << told[0];
}

TEST(LibraryWords, OfAnExceptionWhileAnotherUnwinds) {
  std::vector<std::string> told;
  const LibraryWords words([&told](const std::string& text) { told.push_back(text); });
  try {
    const auto end_of_connection = kj::defer([] { kj::throwRecoverableException(KJ_EXCEPTION(DISCONNECTED, "late")); });
    throw std::runtime_error("first");
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "first");
  }
  ASSERT_EQ(told.size(), 1u);
  EXPECT_NE(told[0].find("late"), std::string::npos) << told[0];
}

}  // namespace
}  // namespace runsc::control
