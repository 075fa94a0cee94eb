// Nothing is left behind; and the conditions under which the boot process really runs.
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <thread>

#include "boot/platform/seccomp/testing/test_guest.h"

namespace runsc {
namespace {

class LifecycleTest : public PlatformTest {
 protected:
  static int open_descriptors() {
    int count = 0;
    DIR* directory = opendir("/proc/self/fd");
    while (readdir(directory) != nullptr) ++count;
    closedir(directory);
    return count;
  }
  // Dead or alive.
  static bool has_children() { return waitid(P_ALL, 0, nullptr, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0; }
  static std::size_t mappings() {
    std::size_t lines = 0;
    FILE* maps = fopen("/proc/self/maps", "r");
    for (int c = fgetc(maps); c != EOF; c = fgetc(maps)) lines += c == '\n';
    fclose(maps);
    return lines;
  }
};

TEST_F(LifecycleTest, AThousandForksLeaveNothingBehind) {
  const auto one_fork = [this] {
    auto child = space_->fork();
    ASSERT_TRUE(child.ok());
    ThreadState state = guest_state(guest_syscall_once);
    state.registers.rax = SYS_exit_group;
    auto context = start(**child, state);
    EXPECT_EQ(context->wait().number, static_cast<std::uint64_t>(SYS_exit_group));
    auto unstarted = start(**child, state);
  };
  one_fork();
  const int descriptors = open_descriptors();
  const std::size_t maps = mappings();
  for (int i = 0; i < 1000; ++i) one_fork();
  EXPECT_EQ(open_descriptors(), descriptors);
  EXPECT_LE(mappings(), maps + 4);  // the C library's arenas
  space_.reset();
  platform_.reset();
  EXPECT_FALSE(has_children());
}

TEST_F(LifecycleTest, AreasAreReused) {
  for (int i = 0; i < 200; ++i) {
    std::vector<std::unique_ptr<Context>> contexts;
    for (int t = 0; t < 5; ++t) contexts.push_back(start(*space_, guest_state(guest_illegal)));
    for (auto& context : contexts) ASSERT_EQ(context->wait().signal, SIGILL);
  }
}

TEST_F(LifecycleTest, HundredsOfThreadsLiveTogether) {
  std::vector<std::unique_ptr<Context>> contexts;
  for (int t = 0; t < 300; ++t) {
    contexts.push_back(start(*space_, guest_state(guest_syscall_loop)));
    ASSERT_NE(contexts.back(), nullptr);
  }
  for (auto& context : contexts) ASSERT_EQ(context->wait().kind, Event::Kind::kSyscall);
}

// What follows runs in a child process.

void write_file(const char* path, const char* text) {
  const int fd = open(path, O_WRONLY);
  if (fd < 0 || write(fd, text, strlen(text)) < 0) _exit(10);
  close(fd);
}

// As the boot process: a user of its own without capabilities, pid 1, no /proc, nothing in the root directory.
void enter_boot_conditions() {
  int ready[2];
  int mapped[2];
  if (pipe(ready) != 0 || pipe(mapped) != 0) _exit(11);
  const pid_t parent = fork();
  if (parent != 0) {  // stays outside to write the id maps
    char byte;
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1) _exit(12);
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/uid_map", parent);
    write_file(path, "65534 65534 1\n0 0 1\n");
    snprintf(path, sizeof(path), "/proc/%d/gid_map", parent);
    write_file(path, "65534 65534 1\n0 0 1\n");
    if (write(mapped[1], "x", 1) != 1) _exit(13);
    int status = 0;
    waitpid(parent, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 14);
  }
  char byte;
  if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWNET) != 0) _exit(15);
  if (write(ready[1], "x", 1) != 1 || read(mapped[0], &byte, 1) != 1) _exit(16);
  const pid_t init = fork();
  if (init != 0) {
    int status = 0;
    waitpid(init, &status, 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 17);
  }
  if (getpid() != 1 || chroot("/proc/self/fdinfo") != 0 || chdir("/") != 0) _exit(18);
  if (setgroups(0, nullptr) != 0 || setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0)
    _exit(19);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_GET_DUMPABLE) == 1) _exit(20);
}

[[noreturn]] void run_small_sandbox() {
  std::string error;
  auto platform = make_seccomp_platform(error);
  if (platform == nullptr) {
    fprintf(stderr, "%s\n", error.c_str());
    _exit(30);
  }
  auto space = platform->new_address_space();
  if (!space.ok()) _exit(31);
  load_guest(**space);
  auto forked = (*space)->fork();
  if (!forked.ok()) _exit(32);
  ThreadState state = guest_state(guest_syscall_once);
  state.registers.rax = SYS_getpid;
  state.registers.rbx = kGuestData;
  auto context = (*forked)->new_context(state);
  if (!context.ok() || (*context)->wait().kind != Event::Kind::kSyscall) _exit(33);
  if (!(*context)->capture(42).ok()) _exit(34);
  (*context)->resume();
  if ((*context)->wait().signal != SIGTRAP) _exit(35);
  if (peek<std::int64_t>(**forked, kGuestData) != 42) _exit(36);
  (*context).reset();
  (*forked).reset();
  (*space).reset();
  platform.reset();
  _exit(testing::Test::HasFailure() ? 37 : 0);
}

TEST(BootConditionsTest, WorksWithoutPrivilegesAndProc) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to prepare";
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "unshare(CLONE_NEWUSER) needs a process without the sanitizer's thread";
#endif
  const pid_t child = fork();
  if (child == 0) {
    enter_boot_conditions();
    run_small_sandbox();
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// kill -9 of the boot process takes its application processes with it.
TEST(BootConditionsTest, ApplicationProcessesDieWithTheBootProcess) {
  int report[2];
  ASSERT_EQ(pipe(report), 0);
  const pid_t boot = fork();
  if (boot == 0) {
    std::string error;
    auto platform = make_seccomp_platform(error);
    auto space = platform->new_address_space();
    load_guest(**space);
    auto context = (*space)->new_context(guest_state(guest_spin));
    std::thread([&] { (*context)->wait(); }).detach();
    const int pids[2] = {(*space)->host_pid(), (*context)->host_tid()};
    if (write(report[1], pids, sizeof(pids)) != sizeof(pids)) _exit(1);
    for (;;) pause();
  }
  int pids[2];
  ASSERT_EQ(read(report[0], pids, sizeof(pids)), static_cast<ssize_t>(sizeof(pids)));
  const int descriptors[2] = {static_cast<int>(syscall(SYS_pidfd_open, pids[0], 0)),
                              static_cast<int>(syscall(SYS_pidfd_open, pids[1], 0))};
  kill(boot, SIGKILL);
  int status = 0;
  waitpid(boot, &status, 0);
  for (const int fd : descriptors) {
    ASSERT_GE(fd, 0);
    pollfd ended{fd, POLLIN, 0};
    EXPECT_EQ(poll(&ended, 1, -1), 1);
    close(fd);
  }
  close(report[0]);
  close(report[1]);
}

}  // namespace
}  // namespace runsc
