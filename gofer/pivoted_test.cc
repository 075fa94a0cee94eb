// A gofer as the sandbox starts it: pivoted into its root, without /proc, with five capabilities.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gofer/testing/gofer_process.h"
#include "gofer/testing/raw_peer.h"

namespace runsc::gofer {
namespace {

bool keep_five_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const unsigned kept =
      1U << CAP_CHOWN | 1U << CAP_DAC_OVERRIDE | 1U << CAP_DAC_READ_SEARCH | 1U << CAP_FOWNER | 1U << CAP_FSETID;
  __user_cap_data_struct data[2] = {{kept, kept, 0}, {}};
  return ::syscall(SYS_capset, &header, data) == 0;
}

// A mount namespace whose root is `root` and that has nothing else.
bool enter_root(const char* root) {
  return ::unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(root, root, nullptr, MS_BIND, nullptr) == 0 && ::chdir(root) == 0 &&
         ::syscall(SYS_pivot_root, ".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0;
}

[[noreturn]] void run_pivoted(UniqueFd socket, const char* root) {
  GoferOptions options;
  options.proc_self_fd = take_value(open_proc_self_fd());
  options.install_filter = GoferProcess::real_filter();
  if (!enter_root(root) || !keep_five_capabilities()) ::_exit(98);
  std::vector<GoferMount> mounts;
  mounts.push_back({std::move(socket), UniqueFd(::open("/", O_PATH | O_CLOEXEC)), {.allow_unix_connect = true}});
  ::_exit(run_gofer(std::move(mounts), std::move(options)));
}

TEST(PivotedGofer, DoesEverything) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root: makes namespaces";
  const TempDir dir;
  auto pair = make_socket_pair();
  ASSERT_TRUE(pair.ok());
  const pid_t pid = ::fork();
  if (pid == 0) {
    pair->client.reset();
    run_pivoted(std::move(pair->server), dir.path().c_str());
  }
  pair->server.reset();
  auto gofer = GoferConnection::attach(std::move(pair->client));
  EXPECT_TRUE(gofer.ok());
  if (gofer.ok()) {
    const auto result = exercise_everything(**gofer, dir.path());
    EXPECT_TRUE(result.ok()) << errno_name(result.error());
    gofer->reset();
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace runsc::gofer
