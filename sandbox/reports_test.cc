#include "sandbox/reports.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "boot/base/unique_fd.h"
#include "boot/startup_report.h"

namespace runsc {
namespace {

class Reports : public testing::Test {
 protected:
  Reports() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    read_.reset(fds[0]);
    write_.reset(fds[1]);
  }
  void write(const std::string& text) {
    EXPECT_EQ(::write(write_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  UniqueFd read_;
  UniqueFd write_;
};

TEST_F(Reports, ComeInOrder) {
  ReportReader reader(read_.get());
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_FALSE(reader.at_end());
  report_started(write_.get());
  report_failure(write_.get(), "load", "tab\there, quote\" and \\");
  EXPECT_TRUE(reader.next()->started);
  const auto failure = reader.next();
  EXPECT_EQ(failure->stage, "load");
  EXPECT_EQ(failure->message, "tab here, quote\" and \\");
  write_.reset();
  EXPECT_FALSE(reader.next().has_value());
  EXPECT_TRUE(reader.at_end());
}

TEST_F(Reports, MayArriveInPieces) {
  ReportReader reader(read_.get());
  write("{\"stage\":\"a\",");
  EXPECT_FALSE(reader.next().has_value());
  write("\"message\":\"b\"}\n");
  EXPECT_EQ(reader.next()->message, "b");
}

TEST_F(Reports, GarbageIsDropped) {
  ReportReader reader(read_.get());
  write("\n\xff\n[]\n{}\n{\"stage\":1,\"message\":2}\n{\"message\":\"\"}\n{\"message\":\"ok\\u001b[2J\"}\n");
  EXPECT_EQ(reader.next()->message, "ok [2J");
  EXPECT_FALSE(reader.next().has_value());
}

TEST_F(Reports, AnEndlessLineTakesNoMemory) {
  ReportReader reader(read_.get());
  for (int i = 0; i < 100; ++i) {
    write(std::string(32 * 1024, 'x'));
    EXPECT_FALSE(reader.next().has_value());
  }
  write("\n{\"message\":\"after\"}\n");
  EXPECT_EQ(reader.next()->message, "after");
}

TEST(StartupReport, ToNobodyIsNoError) {
  report_started(-1);
  report_failure(-1, "stage", "message");
}

}  // namespace
}  // namespace runsc
