// The policy from inside the jail: what must not work kills, and no rule is there for nothing.
#include "gofer/filter/filter.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <functional>

#include "boot/base/seccomp_compiler.h"
#include "gofer/filter/rules.h"
#include "gofer/server/gofer.h"
#include "gofer/testing/gofer_process.h"
#include "gofer/testing/raw_peer.h"

// The thread sanitizer cannot live with any filter.
#ifndef __SANITIZE_THREAD__

namespace runsc::gofer {
namespace {

TEST(GoferFilter, IsCompiledFromTheRules) {
  // Not 0, which another rule names too: libseccomp would let both share instructions.
  for (const int fd : {3, 5, 900}) {
    const auto fresh = compile_rules(gofer_rules(fd));
    const auto built = gofer_program(fd);
    ASSERT_TRUE(fresh.ok() && built.ok());
    ASSERT_EQ(fresh->size(), built->size());
    EXPECT_EQ(std::memcmp(fresh->data(), built->data(), fresh->size() * sizeof(sock_filter)), 0) << fd;
  }
}

// The status of a confined child that runs `body` and exits with 0.
int run_confined(const std::function<void(int)>& body) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const UniqueFd proc = take_value(open_proc_self_fd());
    if (!install_gofer_filter(proc.get()).ok()) ::_exit(99);
    body(proc.get());
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

bool killed(const std::function<void(int)>& body) {
  const int status = run_confined(body);
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
}

TEST(GoferFilter, IsSurvivable) {
  EXPECT_EQ(run_confined([](int) {}), 0);
  EXPECT_EQ(run_confined([](int proc) { ::openat(proc, "0", O_RDONLY); }), 0);
}

TEST(GoferFilter, Kills) {
  EXPECT_TRUE(killed([](int) { ::open("/etc/passwd", O_RDONLY); }));
  EXPECT_TRUE(killed([](int) { ::openat(0, "x", O_RDONLY); }));
  EXPECT_TRUE(killed([](int) { ::execl("/bin/true", "true", nullptr); }));
  EXPECT_TRUE(killed([](int) { ::syscall(SYS_fork); }));
  EXPECT_TRUE(killed([](int) { ::syscall(SYS_clone3, nullptr, 0); }));
  EXPECT_TRUE(killed([](int) { ::socket(AF_INET, SOCK_STREAM, 0); }));
  EXPECT_TRUE(killed([](int) { ::socket(AF_NETLINK, SOCK_RAW, 0); }));
  EXPECT_TRUE(killed([](int) { ::mknodat(0, "x", S_IFCHR | 0666, makedev(1, 3)); }));
  EXPECT_TRUE(killed([](int) { ::mknodat(0, "x", S_IFBLK | 0666, makedev(8, 0)); }));
  EXPECT_TRUE(killed([](int) { ::chmod("/tmp/none", 0644); }));
  EXPECT_TRUE(killed([](int) { ::fchmodat(AT_FDCWD, "none", 0644, 0); }));
  EXPECT_TRUE(killed([](int) { ::fchownat(AT_FDCWD, "none", 0, 0, 0); }));
  EXPECT_TRUE(killed([](int) { ::linkat(AT_FDCWD, "none", AT_FDCWD, "other", 0); }));
  EXPECT_TRUE(killed([](int) { ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr); }));
  EXPECT_TRUE(killed([](int) { ::kill(::getppid(), 0); }));
  EXPECT_TRUE(killed([](int) { ::chdir("/"); }));
  EXPECT_TRUE(killed([](int) { ::chroot("/"); }));
  EXPECT_TRUE(killed([](int) { ::ioctl(0, 0, 0); }));
#ifndef RUNSC_SANITIZED  // its libraries change mappings
  EXPECT_TRUE(killed([](int) { ::mprotect(nullptr, 4096, PROT_READ | PROT_EXEC); }));
  EXPECT_TRUE(killed([](int) { ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }));
#endif
}

// Whether a gofer under all rules but one does everything, and ends well.
bool works_without(std::size_t missing) {
  const TempDir dir;
  const TestMount mount{dir.path(), {.allow_unix_connect = true, .allow_fifo_open = true}};
  // The second has a thread, which ends before the process does.
  GoferProcess process({mount, mount}, [missing](int proc) {
    std::vector<SeccompRule> rules = gofer_rules(proc);
    if (missing < rules.size()) rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(missing));
    return install_rules(rules);
  });
  auto gofer = GoferConnection::attach(process.take_socket(1), true);
  if (gofer.ok() && !(*gofer)->take_changes().valid()) return false;
  const bool worked = gofer.ok() && exercise_everything(**gofer, dir.path()).ok();
  if (gofer.ok()) gofer->reset();
  return worked && process.wait() == 0;
}

TEST(GoferFilter, EveryRuleIsNeeded) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: owners are changed";
  const std::vector<SeccompRule> rules = gofer_rules(0);
  ASSERT_TRUE(works_without(rules.size()));
#ifndef __SANITIZE_ADDRESS__
  for (std::size_t i = 0; i < rules.size(); ++i)
    EXPECT_FALSE(rules[i].always && works_without(i)) << "not needed: " << rules[i].reason;
#endif
}

}  // namespace
}  // namespace runsc::gofer

#endif
