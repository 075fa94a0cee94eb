#include "test/guest/support/child.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace guest {

void FinishChild() {
  fflush(stdout);
  fflush(stderr);
  _exit(testing::Test::HasFailure() ? 1 : 0);
}

Child::Child(const Body& body) {
  fflush(stdout);
  fflush(stderr);
  pid_t parent = getpid();
  pid_ = fork();
  EXPECT_OK(pid_);
  if (pid_ != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Died already? (0: in another pid namespace.)
  if (getppid() != parent && getppid() != 0) _exit(1);
  body();
  FinishChild();
}

Child::~Child() {
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

int Child::Wait() {
  int status = -1;
  pid_t got;
  do {
    got = waitpid(pid_, &status, __WALL);
  } while (got < 0 && errno == EINTR);
  EXPECT_EQ(pid_, got) << ErrnoText(errno);
  pid_ = -1;
  return status;
}

void Child::ExpectSuccess() {
  int status = Wait();
  EXPECT_EQ(0, status) << DescribeStatus(status);
}

int StatusOf(const Body& body) { return Child(body).Wait(); }

void InChild(const Body& body) { Child(body).ExpectSuccess(); }

void InChildAs(uid_t uid, gid_t gid, const Body& body) {
  InChild([&] {
    BecomeUser(uid, gid);
    if (!testing::Test::HasFailure()) body();
  });
}

void BecomeUser(uid_t uid, gid_t gid) {
  EXPECT_OK(setgroups(0, nullptr));
  EXPECT_OK(setresgid(gid, gid, gid));
  EXPECT_OK(setresuid(uid, uid, uid));
}

std::string DescribeStatus(int status) {
  if (WIFEXITED(status)) return "exited with " + std::to_string(WEXITSTATUS(status));
  if (WIFSIGNALED(status)) return std::string("killed by SIG") + sigabbrev_np(WTERMSIG(status));
  if (WIFSTOPPED(status)) return std::string("stopped by SIG") + sigabbrev_np(WSTOPSIG(status));
  return "status " + std::to_string(status);
}

void Event::Set() { EXPECT_EQ(1, write(pipe_.write.get(), "x", 1)); }

void Event::Wait() {
  char c;
  ssize_t n;
  do {
    n = read(pipe_.read.get(), &c, 1);
  } while (n < 0 && errno == EINTR);
  EXPECT_EQ(1, n) << "the other side ended";
}

bool HasCapability(int capability) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) return false;
  return (data[capability / 32].effective >> (capability % 32)) & 1;
}

bool IsRoot() {
  return geteuid() == 0 && HasCapability(CAP_SETUID) && HasCapability(CAP_SETGID) && HasCapability(CAP_CHOWN) &&
         HasCapability(CAP_DAC_OVERRIDE);
}

}  // namespace guest
