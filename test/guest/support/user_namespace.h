// What the tests of user namespaces start from.
#ifndef TEST_GUEST_SUPPORT_USER_NAMESPACE_H_
#define TEST_GUEST_SUPPORT_USER_NAMESPACE_H_

#include <linux/capability.h>
#include <sched.h>

#include "test/guest/support/child.h"

namespace guest {

// Skips where an ordinary user may not make a user namespace, or cannot be played.
class UserNamespaceTest : public testing::Test {
 protected:
  void SetUp() override {
    REQUIRE_ROOT();
    REQUIRE_CAPABILITY(CAP_SETUID);
    const int status = StatusOf([] {
      BecomeUser(kUser, kGroup);
      _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 77);
    });
    if (status == 77 << 8) GTEST_SKIP() << "this machine gives no user namespaces to ordinary users";
  }
};

}  // namespace guest

#endif  // TEST_GUEST_SUPPORT_USER_NAMESPACE_H_
