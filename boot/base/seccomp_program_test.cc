#include "boot/base/seccomp_program.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "boot/base/seccomp_compiler.h"

namespace runsc {
namespace {

constexpr int kPlaceholder = 0x7a5e0001;

SeccompProgram program_for(int fd) {
  std::vector<SeccompRule> rules = {{SYS_close, {int_is(0, fd)}, "one descriptor"},
                                    {SYS_dup2, {int_is(0, fd), int_is(1, 9)}, "the same one"},
                                    {SYS_exit_group, {}, "end"}};
  append_rules(rules, sanitizer_rules());
  auto program = compile_rules(rules);
  return program.ok() ? *program : SeccompProgram();
}

bool same(const SeccompProgram& a, const SeccompProgram& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const sock_filter& x, const sock_filter& y) {
    return x.code == y.code && x.jt == y.jt && x.jf == y.jf && x.k == y.k;
  });
}

TEST(SeccompProgram, ConstantReplacedIsAsCompiled) {
  const SeccompProgram general = program_for(kPlaceholder);
  ASSERT_FALSE(general.empty());
  for (const int fd : {0, 3, 77, 100'000}) {
    const auto replaced = replace_constant(general, kPlaceholder, static_cast<std::uint32_t>(fd));
    ASSERT_TRUE(replaced.ok());
    EXPECT_TRUE(same(*replaced, program_for(fd))) << fd;
  }
}

TEST(SeccompProgram, ConstantThatIsNotThereIsRefused) {
  const auto replaced = replace_constant(program_for(5), kPlaceholder, 3);
  ASSERT_FALSE(replaced.ok());
  EXPECT_EQ(replaced.error(), Errno(EINVAL));
}

TEST(SeccompProgram, ConstantOutsideAComparisonIsRefused) {
  SeccompProgram program = program_for(kPlaceholder);
  program.push_back({BPF_RET | BPF_K, 0, 0, kPlaceholder});
  EXPECT_FALSE(replace_constant(program, kPlaceholder, 3).ok());
}

TEST(SeccompProgram, NothingIsNotInstalled) { EXPECT_EQ(install_program({}).error(), Errno(EINVAL)); }

// The thread sanitizer cannot live with any filter.
#ifndef __SANITIZE_THREAD__

// The status of a child that may close descriptor 5 only, and closes `fd`.
int close_confined(int fd) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const auto program = replace_constant(program_for(kPlaceholder), kPlaceholder, 5);
    if (!program.ok() || !install_program(*program).ok()) ::_exit(99);
    ::close(fd);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  return status;
}

TEST(SeccompProgram, Confines) {
  EXPECT_EQ(close_confined(5), 0);
  const int status = close_confined(6);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) << status;
}

#endif

}  // namespace
}  // namespace runsc
