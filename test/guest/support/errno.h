// Assertions on the two-part result of a system call: its value and errno.
#ifndef TEST_GUEST_SUPPORT_ERRNO_H_
#define TEST_GUEST_SUPPORT_ERRNO_H_

#include <errno.h>
#include <gtest/gtest.h>
#include <string.h>

namespace guest {

inline std::string ErrnoText(int err) {
  const char* name = strerrorname_np(err);
  return name == nullptr ? std::to_string(err) : name;
}

inline long AsLong(const void* p) { return reinterpret_cast<long>(p); }
inline long AsLong(long v) { return v; }

template <typename T>
testing::AssertionResult FailsWith(const char* call, const char*, T result, int expected) {
  int got = errno;
  if (AsLong(result) != -1) {
    return testing::AssertionFailure() << call << " returned " << AsLong(result) << " instead of failing with "
                                       << ErrnoText(expected);
  }
  if (got == expected) return testing::AssertionSuccess();
  return testing::AssertionFailure() << call << " failed with " << ErrnoText(got) << " instead of "
                                     << ErrnoText(expected);
}

template <typename T>
testing::AssertionResult Succeeds(const char* call, T result) {
  int got = errno;
  if (AsLong(result) != -1) return testing::AssertionSuccess();
  return testing::AssertionFailure() << call << " failed with " << ErrnoText(got);
}

}  // namespace guest

// The call returns -1 (or MAP_FAILED) with exactly this errno.
#define EXPECT_ERRNO(call, err) EXPECT_PRED_FORMAT2(::guest::FailsWith, call, err)
#define ASSERT_ERRNO(call, err) ASSERT_PRED_FORMAT2(::guest::FailsWith, call, err)
// The call does not return -1; on failure the message names the errno.
#define EXPECT_OK(call) EXPECT_PRED_FORMAT1(::guest::Succeeds, call)
#define ASSERT_OK(call) ASSERT_PRED_FORMAT1(::guest::Succeeds, call)

#endif  // TEST_GUEST_SUPPORT_ERRNO_H_
