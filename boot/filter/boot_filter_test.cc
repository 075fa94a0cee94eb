// The built program is what the rules say, and works from inside.
#include "boot/filter/boot_filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>

#include "boot/base/seccomp_compiler.h"
#include "boot/filter/boot_rules.h"

// The thread sanitizer cannot live with any filter.
#ifndef __SANITIZE_THREAD__

namespace runsc {
namespace {

TEST(BootFilter, IsCompiledFromTheRules) {
  const auto fresh = compile_rules(boot_rules());
  ASSERT_TRUE(fresh.ok());
  ASSERT_EQ(fresh->size(), kBootProgram.size());
  EXPECT_EQ(std::memcmp(fresh->data(), kBootProgram.data(), kBootProgram.size_bytes()), 0);
}

// The status of a confined child that runs `body` and exits with 0.
int run_confined(const std::function<void()>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!install_boot_filter().ok()) ::_exit(99);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

bool killed(const std::function<void()>& body) {
  const int status = run_confined(body);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

TEST(BootFilter, IsSurvivable) {
  EXPECT_EQ(run_confined([] {}), 0);
  EXPECT_EQ(run_confined([] { ::_exit(::memfd_create("x", 0) >= 0 ? 0 : 1); }), 0);
  EXPECT_EQ(run_confined([] { ::_exit(::open("/etc/passwd", O_RDONLY) < 0 && errno == ENOENT ? 0 : 1); }), 0);
}

TEST(BootFilter, Kills) {
  EXPECT_TRUE(killed([] { ::execl("/bin/true", "true", nullptr); }));
#ifndef RUNSC_SANITIZED  // its libraries change mappings
  EXPECT_TRUE(killed([] { ::mprotect(nullptr, 4096, PROT_READ | PROT_EXEC); }));
#endif
  EXPECT_TRUE(killed([] { ::mkdir("/tmp/none", 0755); }));
  EXPECT_TRUE(killed([] { ::socket(AF_PACKET, SOCK_RAW, 0); }));
  EXPECT_TRUE(killed([] { ::syscall(SYS_setuid, 0); }));
  EXPECT_TRUE(killed([] { ::unlink("/tmp/none"); }));
}

}  // namespace
}  // namespace runsc

#endif
