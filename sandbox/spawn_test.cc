#include "sandbox/spawn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <fstream>

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

TEST(Spawn, EntersItsCgroupsAtOnce) {
  char name[] = "/tmp/runsc-spawn-XXXXXX";
  std::vector<CgroupDoors::Door> doors;
  doors.push_back({"a", UniqueFd(::mkstemp(name))});
  const CgroupDoors cgroups(UniqueFd(), std::move(doors), false);
  SpawnRequest request = request_with({{"bad", "", [](Donation&) { throw UserError("too late"); }}});
  request.cgroups = &cgroups;
  SpawnedProcess process = spawn(request);
  process.wait_until_placed();
  std::string written;
  std::getline(std::ifstream(name), written);
  EXPECT_EQ(written, "0");
  EXPECT_EQ(process.stage(), "start");
  ::unlink(name);
}

TEST(Spawn, SaysWhyItCannotEnterACgroup) {
  std::vector<CgroupDoors::Door> doors;
  doors.push_back({"/cgroup/a", UniqueFd(::open("/dev/full", O_WRONLY | O_CLOEXEC))});
  const CgroupDoors cgroups(UniqueFd(), std::move(doors), false);
  SpawnRequest request = request_with({});
  request.cgroups = &cgroups;
  SpawnedProcess process = spawn(request);
  try {
    process.wait_until_placed();
    ADD_FAILURE() << "it is nowhere";
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(), "test process: cgroup: move into cgroup /cgroup/a: no space left on device");
  }
}

TEST(Spawn, BearsTheChildInAnotherNetworkNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const UniqueFd own(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  const UniqueFd other(::open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC));
  struct stat wanted {};
  ASSERT_EQ(::fstat(other.get(), &wanted), 0);
  ASSERT_EQ(::setns(own.get(), CLONE_NEWNET), 0);
  SpawnRequest request = request_with({{"compare", "", [&](Donation&) {
                                          struct stat status {};
                                          ::stat("/proc/self/ns/net", &status);
                                          if (status.st_ino != wanted.st_ino) throw UserError("elsewhere");
                                          throw UserError("there");
                                        }}});
  request.namespaces = CLONE_NEWUSER;
  request.id_maps = {.uids = {{0, 0, 1}}, .gids = {{0, 0, 1}}};
  request.network_namespace = other.get();
  SpawnedProcess process = spawn(request);
  process.go();
  process.wait();
  EXPECT_EQ(ReportReader(process.report_fd()).next()->message, "there");
  struct stat present {};
  ASSERT_EQ(::stat("/proc/self/ns/net", &present), 0);
  EXPECT_NE(present.st_ino, wanted.st_ino) << "the parent is back";
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
