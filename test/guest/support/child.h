// Forked children whose EXPECTs count: a failed assertion in the child becomes its exit status.
#ifndef TEST_GUEST_SUPPORT_CHILD_H_
#define TEST_GUEST_SUPPORT_CHILD_H_

#include <sys/types.h>
#include <sys/wait.h>

#include <functional>
#include <string>

#include "test/guest/support/fd.h"

namespace guest {

using Body = std::function<void()>;

// Runs `body` in a new child process and ends it with status 0, or 1 if an assertion failed in it.
// The child dies with its parent.
class Child {
 public:
  explicit Child(const Body& body);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  // Kills and reaps a child that nobody waited for.
  ~Child();

  pid_t pid() const { return pid_; }
  // The wait status; reaps.
  int Wait();
  // Reaps and expects that the child ended with status 0.
  void ExpectSuccess();
  // The caller has reaped it by other means.
  void Forget() { pid_ = -1; }

 private:
  pid_t pid_;
};

// The body's end inside a forked process: flushes the reports and never returns.
[[noreturn]] void FinishChild();

// Runs `body` in a child and returns the wait status.
int StatusOf(const Body& body);
// Runs `body` in a child and expects that all its assertions held.
void InChild(const Body& body);
// The same after dropping to this user and group without supplementary groups. Needs root.
void InChildAs(uid_t uid, gid_t gid, const Body& body);

// Gives up root for this user in the calling process.
void BecomeUser(uid_t uid, gid_t gid);

// A wait status in words, for messages.
std::string DescribeStatus(int status);

// A one-shot event between processes that share it through fork, or between threads.
class Event {
 public:
  void Set();
  void Wait();
  // Closes the setting side in this process, so that Wait fails here when the other process dies.
  void OnlyWait() { pipe_.write.Reset(); }
  void OnlySet() { pipe_.read.Reset(); }

 private:
  Pipe pipe_{O_CLOEXEC};
};

inline constexpr uid_t kUser = 1234;
inline constexpr gid_t kGroup = 2345;
inline constexpr uid_t kOtherUser = 1235;
inline constexpr gid_t kOtherGroup = 2346;

bool HasCapability(int capability);
// True when the process is root with the capabilities that the cases for root need.
bool IsRoot();

}  // namespace guest

// Natively these programs also run as a normal user; the case then has nothing to say.
#define REQUIRE_ROOT() \
  if (!::guest::IsRoot()) GTEST_SKIP() << "needs root"
#define REQUIRE_CAPABILITY(cap) \
  if (!::guest::HasCapability(cap)) GTEST_SKIP() << "needs " #cap

#endif  // TEST_GUEST_SUPPORT_CHILD_H_
