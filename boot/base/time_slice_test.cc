#include "boot/base/time_slice.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <thread>

namespace runsc {
namespace {

// The host's sched_attr; its header cannot be included beside <sched.h>.
struct Attributes {
  std::uint32_t size, sched_policy;
  std::uint64_t sched_flags;
  std::int32_t sched_nice;
  std::uint32_t sched_priority;
  std::uint64_t sched_runtime, sched_deadline, sched_period;
};

Attributes own_attributes() {
  Attributes attributes{};
  EXPECT_EQ(::syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0), 0);
  return attributes;
}

// On a host without such slices sched_getattr(2) says 0 before and after.
TEST(TimeSlice, IsShorterForTheThreadAndItsDescendantsAndChangesNothingElse) {
  std::thread([] {
    const Attributes before = own_attributes();
    ask_for_short_time_slices();
    const Attributes after = own_attributes();
    EXPECT_EQ(after.sched_policy, before.sched_policy);
    EXPECT_EQ(after.sched_nice, before.sched_nice);
    EXPECT_EQ(after.sched_flags, before.sched_flags);
    EXPECT_LE(after.sched_runtime, before.sched_runtime);
    std::thread([&] { EXPECT_EQ(own_attributes().sched_runtime, after.sched_runtime); }).join();
  }).join();
}

TEST(TimeSlice, LeavesOtherPoliciesAlone) {
  std::thread([] {
    const sched_param none{};
    ASSERT_EQ(::sched_setscheduler(0, SCHED_IDLE, &none), 0);
    const Attributes before = own_attributes();
    ask_for_short_time_slices();
    EXPECT_EQ(own_attributes().sched_policy, before.sched_policy);
    EXPECT_EQ(own_attributes().sched_runtime, before.sched_runtime);
  }).join();
}

}  // namespace
}  // namespace runsc
