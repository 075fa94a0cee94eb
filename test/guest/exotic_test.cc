// Unknown and rarely used system calls: the right errno, never a crash.
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "test/guest/support/child.h"
#include "test/guest/support/signals.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

TEST(UnknownNumbers, AreEnosys) {
  for (long number : {350l, 400l, 423l, 600l, 1000l, 4095l, 100000l, -1l, -1000l, 0x7fffffffl}) {
    EXPECT_ERRNO(syscall(number, 1, 2, 3, 4, 5, 6), ENOSYS) << number;
  }
}

TEST(UnknownNumbers, RemovedCallsAreEnosys) {
  for (long number : {174l /* create_module */, 177l /* get_kernel_syms */, 178l /* query_module */,
                      180l /* nfsservctl */, 181l /* getpmsg */, 182l /* putpmsg */, 183l /* afs_syscall */,
                      184l /* tuxcall */, 185l /* security */, 205l /* set_thread_area */, 211l /* get_thread_area */,
                      214l /* epoll_ctl_old */, 215l /* epoll_wait_old */, 236l /* vserver */}) {
    EXPECT_ERRNO(syscall(number, 0, 0, 0, 0, 0, 0), ENOSYS) << number;
  }
}

TEST(UnknownNumbers, HighHalfOfTheNumberIsSignificantAsOnLinux) {
  // The kernel looks at the low 32 bits, sign-extended.
  EXPECT_EQ(getpid(), syscall(SYS_getpid | (5l << 32)));
}

TEST(Membarrier, QueryAndCommands) {
  long supported = syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0);
  ASSERT_OK(supported);
  EXPECT_TRUE(supported & MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  InChild([] {
    EXPECT_ERRNO(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0), EPERM) << "not registered";
    EXPECT_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0));
    EXPECT_OK(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0));
  });
  EXPECT_ERRNO(syscall(SYS_membarrier, 1 << 30, 0, 0), EINVAL);
}

TEST(OldCalls, SelectPollTimeUstatLikeForms) {
  struct {
    int32_t free_blocks;
    long free_inodes;
    char names[12];
  } ustat_buffer;
  EXPECT_ERRNO(syscall(SYS_ustat, 0xffff, &ustat_buffer), EINVAL);
  EXPECT_ERRNO(syscall(SYS_sysfs, 99, 0, 0), EINVAL);
  EXPECT_GT(syscall(SYS_sysfs, 3), 0) << "the number of file system types";
  EXPECT_ERRNO(syscall(SYS__sysctl, nullptr), ENOSYS);
  EXPECT_ERRNO(syscall(SYS_uselib, "/nonexistent"), ENOSYS);
}

TEST(Ptrace, TracemeStopsAtASignal) {
  Child child([] {
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(50);
    raise(SIGUSR1);
    _exit(7);
  });
  int status = 0;
  ASSERT_EQ(child.pid(), waitpid(child.pid(), &status, 0));
  ASSERT_TRUE(WIFSTOPPED(status)) << DescribeStatus(status);
  EXPECT_EQ(SIGUSR1, WSTOPSIG(status));
  EXPECT_OK(ptrace(PTRACE_CONT, child.pid(), nullptr, nullptr));
  EXPECT_EQ(7, WEXITSTATUS(child.Wait()));
}

TEST(Ptrace, Errors) {
  EXPECT_ERRNO(ptrace(PTRACE_CONT, getpid(), nullptr, nullptr), ESRCH);
  EXPECT_ERRNO(ptrace(PTRACE_ATTACH, 0x3ffffff, nullptr, nullptr), ESRCH);
  EXPECT_ERRNO(ptrace(PTRACE_ATTACH, getpid(), nullptr, nullptr), EPERM);
}

TEST(Seccomp, StrictModeKillsOtherCalls) {
  EXPECT_EQ(SIGKILL, WTERMSIG(StatusOf([] {
              if (syscall(SYS_seccomp, 0 /* SECCOMP_SET_MODE_STRICT */, 0, nullptr) != 0) _exit(1);
              syscall(SYS_getpid);
            })));
}

TEST(Seccomp, ErrorsAreChecked) {
  EXPECT_ERRNO(syscall(SYS_seccomp, 77, 0, nullptr), EINVAL);
  EXPECT_ERRNO(syscall(SYS_seccomp, 0, 1, nullptr), EINVAL);
}

TEST(Landlock, VersionOrAbsent) {
  long version = syscall(444 /* landlock_create_ruleset */, nullptr, 0, 1);
  EXPECT_TRUE(version > 0 || errno == EOPNOTSUPP || errno == ENOSYS);
}

TEST(IntInstructions, VsyscallPageTimeIsConsistent) {
  // The legacy page may be absent, emulated or execute-only: a call gives the time or a fault, never anything else.
  int status = StatusOf([] {
    auto legacy_time = reinterpret_cast<time_t (*)(time_t*)>(0xffffffffff600400);
    time_t now = legacy_time(nullptr);
    _exit(now >= time(nullptr) - 2 ? 0 : 1);
  });
  EXPECT_TRUE(status == 0 || WTERMSIG(status) == SIGSEGV) << DescribeStatus(status);
}

TEST(GetdentsOld, ReadsEntries) {
  Fd fd(open("/proc", O_RDONLY | O_DIRECTORY));
  char buffer[4096];
  EXPECT_GT(syscall(SYS_getdents, fd.get(), buffer, sizeof(buffer)), 0);
  EXPECT_EQ(0, lseek(fd.get(), 0, SEEK_SET));
  EXPECT_ERRNO(syscall(SYS_getdents, fd.get(), buffer, 8), EINVAL);
}

TEST(NameToHandle, ReportsItsSize) {
  struct {
    uint32_t bytes;
    int32_t type;
    char handle[128];
  } handle = {};
  int mount_id = 0;
  long result = syscall(SYS_name_to_handle_at, AT_FDCWD, "/tmp", &handle, &mount_id, 0);
  EXPECT_TRUE(result == -1 && (errno == EOVERFLOW || errno == EOPNOTSUPP)) << ErrnoText(errno);
}

TEST(ProcessMadvise, ChecksItsArguments) {
  iovec v = {nullptr, 0};
  EXPECT_ERRNO(syscall(440, -1, &v, 1, MADV_COLD, 0), EBADF);
}

TEST(ProcessMadvise, AdvisesItself) {
  Fd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
  void* p = mmap(nullptr, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_OK(p);
  iovec v[] = {{p, 4096}, {static_cast<char*>(p) + 4096, 4096}};
  EXPECT_EQ(8192, syscall(440, self.get(), v, 2, MADV_COLD, 0));
  EXPECT_ERRNO(syscall(440, self.get(), v, 2, MADV_COLD, 1), EINVAL);
  EXPECT_ERRNO(syscall(440, self.get(), v, 2, 77, 0), EINVAL);
  munmap(p, 8192);
}

TEST(Vhangup, AndRebootNeedCapabilities) {
  REQUIRE_ROOT();
  InChildAs(kUser, kGroup, [] {
    EXPECT_ERRNO(syscall(SYS_vhangup), EPERM);
    EXPECT_ERRNO(syscall(SYS_reboot, 0, 0, 0, nullptr), EPERM);
    timeval tv = {1, 0};
    EXPECT_ERRNO(settimeofday(&tv, nullptr), EPERM);
    EXPECT_ERRNO(syscall(SYS_pivot_root, "/", "/"), EPERM);
    EXPECT_ERRNO(syscall(SYS_quotactl, 0x80000300, "/dev/null", 0, nullptr), ENOTBLK);
  });
}

}  // namespace
}  // namespace guest
