#include "boot/debug/watchdog.h"

#include <gtest/gtest.h>
#include <syscall.h>

#include "boot/kernel/kernel_test_support.h"

namespace runsc {
namespace {

TaskSample busy(int tid, std::uint64_t count) { return {tid, "program", {count, SYS_read}, false}; }

std::size_t looks_until_stuck(StuckDetector& detector, const TaskSample& sample) {
  for (std::size_t looks = 1; looks < 100; ++looks)
    if (!detector.look({sample}).empty()) return looks;
  return 0;
}

TEST(StuckDetectorTest, NamesATaskThatDoesNotComeBackOnce) {
  StuckDetector detector;
  EXPECT_EQ(looks_until_stuck(detector, busy(7, 3)), std::size_t{StuckDetector::kPatience});
  EXPECT_EQ(looks_until_stuck(detector, busy(7, 3)), 0u) << "it has been named";
  EXPECT_EQ(looks_until_stuck(detector, busy(7, 4)), std::size_t{StuckDetector::kPatience}) << "stuck again";
}

TEST(StuckDetectorTest, EveryEventIsANewStart) {
  StuckDetector detector;
  for (std::uint64_t count = 1; count < 50; ++count) EXPECT_TRUE(detector.look({busy(7, count)}).empty());
}

TEST(StuckDetectorTest, RestAndApplicationCodeAreNotStuck) {
  StuckDetector detector;
  TaskSample asleep = busy(7, 3);
  asleep.at_rest = true;
  EXPECT_EQ(looks_until_stuck(detector, asleep), 0u);
  EXPECT_EQ(looks_until_stuck(detector, busy(7, 0)), 0u);
}

TEST(StuckDetectorTest, RestInBetweenStartsTheCountAnew) {
  StuckDetector detector;
  for (int i = 1; i < StuckDetector::kPatience; ++i) EXPECT_TRUE(detector.look({busy(7, 3)}).empty());
  EXPECT_TRUE(detector.look({}).empty());
  EXPECT_EQ(looks_until_stuck(detector, busy(7, 3)), std::size_t{StuckDetector::kPatience});
}

using WatchdogTest = KernelTest;

TEST_F(WatchdogTest, SamplesSayWhatTasksDo) {
  const TaskPtr task = new_process();
  task->set_name("program");
  task->begin_service(SYS_openat);
  std::vector<TaskSample> samples = sample_tasks(kernel);
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].name, "program");
  EXPECT_EQ(samples[0].tid, 1);
  EXPECT_EQ(samples[0].service.count, 1u);
  EXPECT_EQ(service_name(samples[0].service), "openat");
  EXPECT_FALSE(samples[0].at_rest);
  task->begin_service(Task::Service::kNoCall);
  EXPECT_EQ(service_name(sample_tasks(kernel)[0].service), "a fault or signal");
  EXPECT_EQ(sample_tasks(kernel)[0].service.count, 2u);
  task->end_service();
  EXPECT_EQ(sample_tasks(kernel)[0].service.count, 0u);
  task->set_state(TaskState::kSleeping);
  EXPECT_TRUE(sample_tasks(kernel)[0].at_rest);
}

}  // namespace
}  // namespace runsc
