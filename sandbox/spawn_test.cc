#include "sandbox/spawn.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "runsc/common/user_error.h"
#include "sandbox/reports.h"

namespace runsc {
namespace {

SpawnRequest request_with(std::vector<Step> steps) {
  SpawnRequest request;
  request.name = "test";
  request.steps = std::move(steps);
  request.donation.set_stdio(0, 1, 2);
  return request;
}

TEST(Spawn, ReportsTheStepThatFailed) {
  SpawnedProcess process = spawn(request_with({{"good", "", [](Donation&) {}},
                                               {"bad", "", [](Donation&) { throw UserError("it is \"broken\""); }},
                                               {"never", "", [](Donation&) { ::raise(SIGKILL); }}}));
  process.go();
  EXPECT_TRUE(WIFEXITED(process.wait()));
  ReportReader reports(process.report_fd());
  const auto report = reports.next();
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->stage, "bad");
  EXPECT_EQ(report->message, "it is \"broken\"");
  EXPECT_FALSE(reports.next().has_value());
}

TEST(Spawn, KnowsWhereAProcessDiedWithoutAWord) {
  SpawnedProcess process = spawn(request_with({{"good", "", [](Donation&) {}},
                                               {"deadly", "", [](Donation&) { ::raise(SIGKILL); }},
                                               {"never", "", [](Donation&) {}}}));
  EXPECT_EQ(process.stage(), "start");
  process.go();
  EXPECT_EQ(describe_status(process.wait()), "killed by signal 9 (SIGKILL)");
  EXPECT_EQ(process.stage(), "deadly");
}

TEST(Spawn, WaitsForTheGate) {
  SpawnedProcess process = spawn(request_with({{"deadly", "", [](Donation&) { ::raise(SIGKILL); }}}));
  EXPECT_FALSE(process.exited());
  EXPECT_EQ(process.stage(), "start");
}

TEST(Spawn, EndsWithItsOwner) {
  pid_t pid = -1;
  {
    const SpawnedProcess process = spawn(request_with({}));
    pid = process.pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST(Spawn, ClosesTheWayBackAtTheEnd) {
  SpawnedProcess process = spawn(request_with({{"bad", "", [](Donation&) { throw UserError("x"); }}}));
  process.go();
  process.wait();
  ReportReader reports(process.report_fd());
  while (reports.next()) {
  }
  EXPECT_TRUE(reports.at_end());
}

TEST(DescribeStatus, NamesSignals) {
  EXPECT_EQ(describe_status(W_EXITCODE(3, 0)), "exited with status 3");
  EXPECT_EQ(describe_status(W_EXITCODE(0, SIGSEGV)), "killed by signal 11 (SIGSEGV)");
}

}  // namespace
}  // namespace runsc
