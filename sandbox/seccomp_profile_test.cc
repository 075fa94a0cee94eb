#include "sandbox/seccomp_profile.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <functional>
#include <optional>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

oci::Seccomp make(std::string action, std::optional<std::uint32_t> error, std::vector<oci::SeccompRule> rules) {
  return {std::move(action), error, false, std::move(rules)};
}

oci::SeccompRule allow(std::vector<std::string> names) { return {std::move(names), "SCMP_ACT_ALLOW", {}, {}}; }

// What the calls of a process under the filter give: each an errno, or 0; the host's kernel is the judge. -1: the
// filter was not accepted.
std::vector<int> under(const oci::Seccomp& profile, const std::vector<std::function<long()>>& calls) {
  std::vector<std::uint64_t> code = compile_seccomp(profile);
  int pipe_fds[2];
  if (::pipe(pipe_fds) != 0) return {-1};
  const pid_t child = ::fork();
  if (child == 0) {
    const sock_fprog program{static_cast<unsigned short>(code.size()), reinterpret_cast<sock_filter*>(code.data())};
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int result = ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 ? 0 : -1;
    for (const auto& call : calls) {
      if (result != -1) result = call() < 0 ? errno : 0;
      (void)!::write(pipe_fds[1], &result, sizeof(result));
    }
    ::syscall(SYS_exit_group, 0);
  }
  ::close(pipe_fds[1]);
  std::vector<int> out;
  for (int result = 0; ::read(pipe_fds[0], &result, sizeof(result)) == sizeof(result);) out.push_back(result);
  ::close(pipe_fds[0]);
  ::waitpid(child, nullptr, 0);
  return out;
}

long call(long number, long a = 0, long b = 0) { return ::syscall(number, a, b); }

TEST(SeccompProfile, DefaultsToAnErrorAndToEnosysForWhatIsNewer) {
  const oci::Seccomp profile = make("SCMP_ACT_ERRNO", EXDEV,
                                    {allow({"write", "exit_group", "no_such_call"}),
                                     {{"getppid"}, "SCMP_ACT_ERRNO", ENOSPC, {}},
                                     {{"getuid"}, "SCMP_ACT_ERRNO", {}, {}}});
  EXPECT_EQ(under(profile, {[] { return call(SYS_getpid); }, [] { return call(SYS_getppid); },
                            [] { return call(SYS_getuid); }, [] { return call(SYS_exit_group + 1); }}),
            (std::vector<int>{EXDEV, ENOSPC, EPERM, ENOSYS}));
}

TEST(SeccompProfile, ComparesArguments) {
  const oci::Seccomp profile = make(
      "SCMP_ACT_ALLOW", {},
      {{{"kill"}, "SCMP_ACT_ERRNO", {}, {{1, "SCMP_CMP_EQ", SIGUSR1, 0}, {1, "SCMP_CMP_EQ", SIGUSR2, 0}}},
       {{"getpriority"}, "SCMP_ACT_ERRNO", {}, {{0, "SCMP_CMP_MASKED_EQ", 0xf0, 0x10}, {1, "SCMP_CMP_GE", 5, 0}}}});
  EXPECT_EQ(
      under(profile, {[] { return call(SYS_kill, ::getpid(), 0); }, [] { return call(SYS_kill, ::getpid(), SIGUSR1); },
                      [] { return call(SYS_kill, ::getpid(), SIGUSR2); }, [] { return call(SYS_getpriority, 0x1f, 4); },
                      [] { return call(SYS_getpriority, 0x1f, 5); }}),
      (std::vector<int>{0, EPERM, EPERM, EINVAL, EPERM}));
}

TEST(SeccompProfile, NamesWhatItCannotDo) {
  const auto error_of = [](const oci::Seccomp& profile) -> std::string {
    try {
      compile_seccomp(profile);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(error_of(make("SCMP_ACT_NOTIFY", {}, {})).find("linux.seccomp.defaultAction"), std::string::npos);
  EXPECT_NE(error_of(make("SCMP_ACT_ALLOW", {}, {{{"read"}, "SCMP_ACT_FLY", {}, {}}}))
                .find("linux.seccomp.syscalls[0].action: action \"SCMP_ACT_FLY\""),
            std::string::npos);
  EXPECT_NE(error_of(make("SCMP_ACT_ALLOW", {}, {{{"read"}, "SCMP_ACT_ERRNO", {}, {{0, "EQ", 1, 0}}}}))
                .find("comparison \"EQ\""),
            std::string::npos);
}

}  // namespace
}  // namespace runsc
