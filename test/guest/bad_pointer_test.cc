// EFAULT, never a crash, for every pointer argument of a long list of system calls.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <linux/openat2.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

#include <functional>

#include "test/guest/support/child.h"
#include "test/guest/support/temp_dir.h"

namespace guest {
namespace {

constexpr size_t kPage = 4096;

// Addresses at which nothing may be read or written, each with its reason to exist.
struct BadAddress {
  const char* name;
  uintptr_t address;
};

const std::vector<BadAddress>& BadAddresses() {
  static const std::vector<BadAddress> list = [] {
    auto* none = static_cast<char*>(mmap(nullptr, kPage, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    auto* gone = static_cast<char*>(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    munmap(gone, kPage);
    return std::vector<BadAddress>{
        {"low", 0x10},
        {"no access", reinterpret_cast<uintptr_t>(none)},
        {"unmapped", reinterpret_cast<uintptr_t>(gone)},
        {"below the end of user space", 0x7fffffffe000},
        {"end of user space", 0x7ffffffff000},
        {"not canonical", 0x800000000000},
        {"kernel", 0xffffffff81000000},
        {"kernel stack", 0xffffc90000000000},
        {"top", 0xfffffffffffffff0},
    };
  }();
  return list;
}

using Call = std::function<long(void*)>;

// Every bad address gives EFAULT.
void ExpectEfault(const char* name, const Call& call) {
  for (const BadAddress& bad : BadAddresses()) {
    errno = 0;
    long result = call(reinterpret_cast<void*>(bad.address));
    EXPECT_TRUE(result == -1 && errno == EFAULT)
        << name << " with the address " << bad.name << " returned " << result << " " << ErrnoText(errno);
  }
}

struct Case {
  const char* name;
  Call call;
};

void ExpectAllEfault(const std::vector<Case>& cases) {
  for (const Case& c : cases) ExpectEfault(c.name, c.call);
}

template <typename... Args>
Call Sys(long number, Args... args) {
  return [=](void* p) {
    auto value = [p](auto arg) -> long {
      if constexpr (std::is_same_v<decltype(arg), std::nullptr_t>) {
        return reinterpret_cast<long>(p);
      } else {
        return (long)arg;
      }
    };
    return syscall(number, value(args)...);
  };
}
// In Sys(...), nullptr stands for the bad address and 0 for a null pointer.
constexpr std::nullptr_t kBad = nullptr;

class BadPointer : public testing::Test {
 protected:
  void SetUp() override {
    WriteFile(dir_ / "file", std::string(100, 'x'));
    file_.Reset(open((dir_ / "file").c_str(), O_RDWR | O_CLOEXEC));
    path_ = dir_ / "file";
    int fds[2];
    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    a_.Reset(fds[0]);
    b_.Reset(fds[1]);
  }
  int fd() const { return file_.get(); }
  const char* path() const { return path_.c_str(); }
  int socket() const { return a_.get(); }

  ScopedTempDir dir_;
  std::string path_;
  Fd file_, a_, b_;
  char buffer_[256] = {};
};

TEST_F(BadPointer, PathArguments) {
  ExpectAllEfault({
      {"open", Sys(SYS_open, kBad, O_RDONLY)},
      {"openat", Sys(SYS_openat, AT_FDCWD, kBad, O_RDONLY)},
      {"creat", Sys(SYS_creat, kBad, 0600)},
      {"stat", Sys(SYS_stat, kBad, buffer_)},
      {"lstat", Sys(SYS_lstat, kBad, buffer_)},
      {"newfstatat", Sys(SYS_newfstatat, AT_FDCWD, kBad, buffer_, 0)},
      {"statx", Sys(SYS_statx, AT_FDCWD, kBad, 0, STATX_BASIC_STATS, buffer_)},
      {"statfs", Sys(SYS_statfs, kBad, buffer_)},
      {"access", Sys(SYS_access, kBad, 0)},
      {"faccessat", Sys(SYS_faccessat, AT_FDCWD, kBad, 0)},
      {"faccessat2", Sys(439, AT_FDCWD, kBad, 0, 0)},
      {"mkdir", Sys(SYS_mkdir, kBad, 0700)},
      {"mkdirat", Sys(SYS_mkdirat, AT_FDCWD, kBad, 0700)},
      {"mknod", Sys(SYS_mknod, kBad, S_IFIFO | 0600, 0)},
      {"rmdir", Sys(SYS_rmdir, kBad)},
      {"unlink", Sys(SYS_unlink, kBad)},
      {"unlinkat", Sys(SYS_unlinkat, AT_FDCWD, kBad, 0)},
      {"rename old", Sys(SYS_rename, kBad, path())},
      {"rename new", Sys(SYS_rename, path(), kBad)},
      {"link old", Sys(SYS_link, kBad, "/tmp/guest.never")},
      {"link new", Sys(SYS_link, path(), kBad)},
      {"symlink target", Sys(SYS_symlink, kBad, "/tmp/guest.never")},
      {"symlink path", Sys(SYS_symlink, "x", kBad)},
      {"readlink path", Sys(SYS_readlink, kBad, buffer_, 10)},
      {"readlink buffer", Sys(SYS_readlink, "/proc/self/exe", kBad, 10)},
      {"chmod", Sys(SYS_chmod, kBad, 0600)},
      {"fchmodat", Sys(SYS_fchmodat, AT_FDCWD, kBad, 0600)},
      {"chown", Sys(SYS_chown, kBad, -1, -1)},
      {"lchown", Sys(SYS_lchown, kBad, -1, -1)},
      {"fchownat", Sys(SYS_fchownat, AT_FDCWD, kBad, -1, -1, 0)},
      {"truncate", Sys(SYS_truncate, kBad, 0)},
      {"utimensat path", Sys(SYS_utimensat, AT_FDCWD, kBad, 0, 0)},
      {"utimensat times", Sys(SYS_utimensat, AT_FDCWD, path(), kBad, 0)},
      {"utimes", Sys(SYS_utimes, path(), kBad)},
      {"chdir", Sys(SYS_chdir, kBad)},
      {"execve", Sys(SYS_execve, kBad, 0, 0)},
      {"inotify_add_watch",
       [](void* p) {
         Fd inotify(static_cast<int>(syscall(SYS_inotify_init1, O_CLOEXEC)));
         return syscall(SYS_inotify_add_watch, inotify.get(), p, 1);
       }},
      {"name_to_handle_at", Sys(SYS_name_to_handle_at, AT_FDCWD, path(), kBad, buffer_, 0)},
      {"openat2 path",
       [](void* p) {
         open_how how = {};
         return syscall(SYS_openat2, AT_FDCWD, p, &how, sizeof(how));
       }},
      {"openat2 how", Sys(SYS_openat2, AT_FDCWD, "/", kBad, sizeof(open_how))},
  });
}

TEST_F(BadPointer, FileData) {
  ExpectAllEfault({
      {"read", Sys(SYS_read, fd(), kBad, 16)},
      {"write", Sys(SYS_write, fd(), kBad, 16)},
      {"pread64", Sys(SYS_pread64, fd(), kBad, 16, 0)},
      {"pwrite64", Sys(SYS_pwrite64, fd(), kBad, 16, 0)},
      {"readv list", Sys(SYS_readv, fd(), kBad, 2)},
      {"writev list", Sys(SYS_writev, fd(), kBad, 2)},
      {"preadv2 list", Sys(SYS_preadv2, fd(), kBad, 2, 0, 0, 0)},
      {"getdents64",
       [](void* p) {
         Fd dir(open("/tmp", O_RDONLY | O_DIRECTORY));
         return syscall(SYS_getdents64, dir.get(), p, 4096);
       }},
      {"fstat", Sys(SYS_fstat, fd(), kBad)},
      {"fstatfs", Sys(SYS_fstatfs, fd(), kBad)},
      {"stat buffer", Sys(SYS_stat, path(), kBad)},
      {"statx buffer", Sys(SYS_statx, AT_FDCWD, path(), 0, STATX_BASIC_STATS, kBad)},
      {"getcwd", Sys(SYS_getcwd, kBad, 4096)},
      {"fcntl GETLK", Sys(SYS_fcntl, fd(), F_GETLK, kBad)},
      {"fcntl SETLK", Sys(SYS_fcntl, fd(), F_SETLK, kBad)},
      {"ioctl FIONREAD", Sys(SYS_ioctl, socket(), FIONREAD, kBad)},
      {"ioctl FIONBIO", Sys(SYS_ioctl, socket(), FIONBIO, kBad)},
      {"copy_file_range offset", Sys(SYS_copy_file_range, fd(), kBad, fd(), 0, 1, 0)},
      {"sendfile offset", Sys(SYS_sendfile, socket(), fd(), kBad, 1)},
  });
}

TEST_F(BadPointer, PartlyBadVectors) {
  for (const BadAddress& bad : BadAddresses()) {
    iovec list[2] = {{buffer_, 4}, {reinterpret_cast<void*>(bad.address), 4}};
    lseek(fd(), 0, SEEK_SET);
    ssize_t n = readv(fd(), list, 2);
    EXPECT_TRUE(n == 4 || (n == -1 && errno == EFAULT)) << bad.name << " " << n;
    std::swap(list[0], list[1]);
    EXPECT_ERRNO(readv(fd(), list, 2), EFAULT) << bad.name;
  }
}

TEST_F(BadPointer, Pipes) {
  ExpectAllEfault({
      {"pipe", Sys(SYS_pipe, kBad)},
      {"pipe2", Sys(SYS_pipe2, kBad, 0)},
      {"write",
       [](void* p) {
         Pipe pipe;
         return write(pipe.write.get(), p, 10);
       }},
      {"read",
       [](void* p) {
         Pipe pipe;
         EXPECT_EQ(1, write(pipe.write.get(), "x", 1));
         return read(pipe.read.get(), p, 10);
       }},
      {"vmsplice",
       [](void* p) {
         Pipe pipe;
         iovec v = {p, 10};
         return vmsplice(pipe.write.get(), &v, 1, 0);
       }},
  });
}

TEST_F(BadPointer, PipeDescriptorsAreNotLeaked) {
  int before = open("/dev/null", O_RDONLY);
  close(before);
  for (int i = 0; i < 20; ++i) EXPECT_ERRNO(syscall(SYS_pipe2, 16, 0), EFAULT);
  int after = open("/dev/null", O_RDONLY);
  EXPECT_EQ(before, after);
  close(after);
}

TEST_F(BadPointer, Processes) {
  ExpectAllEfault({
      {"wait4 status",
       [](void* p) {
         Child child([] {});
         long result = syscall(SYS_wait4, child.pid(), p, 0, nullptr);
         int error = errno;
         // Linux has reaped it by then.
         if (result == -1 && error == EFAULT) child.Forget();
         errno = error;
         return result;
       }},
      {"waitid info",
       [](void* p) {
         Child child([] {});
         long result = syscall(SYS_waitid, P_PID, child.pid(), p, WEXITED | WNOWAIT, nullptr);
         int error = errno;
         child.Wait();
         errno = error;
         return result;
       }},
      {"getrusage", Sys(SYS_getrusage, RUSAGE_SELF, kBad)},
      {"times", Sys(SYS_times, kBad)},
      {"getrlimit", Sys(SYS_getrlimit, RLIMIT_CORE, kBad)},
      {"setrlimit", Sys(SYS_setrlimit, RLIMIT_CORE, kBad)},
      {"prlimit64", Sys(SYS_prlimit64, 0, RLIMIT_CORE, kBad, 0)},
      {"uname", Sys(SYS_uname, kBad)},
      {"sysinfo", Sys(SYS_sysinfo, kBad)},
      {"getgroups",
       [](void* p) -> long {
         if (getgroups(0, nullptr) == 0) {
           errno = EFAULT;
           return -1;
         }
         return syscall(SYS_getgroups, 100, p);
       }},
      {"getresuid", Sys(SYS_getresuid, kBad, buffer_, buffer_)},
      {"getresuid last", Sys(SYS_getresuid, buffer_, buffer_, kBad)},
      {"getresgid", Sys(SYS_getresgid, buffer_, kBad, buffer_)},
      {"capget", Sys(SYS_capget, kBad, buffer_)},
      {"prctl SET_NAME", Sys(SYS_prctl, PR_SET_NAME, kBad)},
      {"prctl GET_NAME", Sys(SYS_prctl, PR_GET_NAME, kBad)},
      {"prctl GET_PDEATHSIG", Sys(SYS_prctl, PR_GET_PDEATHSIG, kBad)},
      {"sched_getparam", Sys(SYS_sched_getparam, 0, kBad)},
      {"sched_setscheduler", Sys(SYS_sched_setscheduler, 0, SCHED_OTHER, kBad)},
      {"sched_getaffinity", Sys(SYS_sched_getaffinity, 0, 128, kBad)},
      {"sched_setaffinity", Sys(SYS_sched_setaffinity, 0, 128, kBad)},
      {"sched_rr_get_interval", Sys(SYS_sched_rr_get_interval, 0, kBad)},
      {"getcpu", Sys(SYS_getcpu, kBad, 0, 0)},
      {"getrandom", Sys(SYS_getrandom, kBad, 16, 0)},
      {"clone3", Sys(SYS_clone3, kBad, 88)},
      {"get_robust_list", Sys(SYS_get_robust_list, 0, kBad, buffer_)},
      {"arch_prctl", Sys(SYS_arch_prctl, 0x1003, kBad)},
  });
}

TEST_F(BadPointer, Signals) {
  ExpectAllEfault({
      {"rt_sigaction new", Sys(SYS_rt_sigaction, SIGUSR1, kBad, 0, 8)},
      {"rt_sigaction old", Sys(SYS_rt_sigaction, SIGUSR1, 0, kBad, 8)},
      {"rt_sigprocmask new", Sys(SYS_rt_sigprocmask, SIG_BLOCK, kBad, 0, 8)},
      {"rt_sigprocmask old", Sys(SYS_rt_sigprocmask, SIG_BLOCK, 0, kBad, 8)},
      {"rt_sigpending", Sys(SYS_rt_sigpending, kBad, 8)},
      {"rt_sigsuspend", Sys(SYS_rt_sigsuspend, kBad, 8)},
      {"rt_sigtimedwait set", Sys(SYS_rt_sigtimedwait, kBad, 0, 0, 8)},
      {"rt_sigtimedwait timeout", Sys(SYS_rt_sigtimedwait, buffer_, 0, kBad, 8)},
      {"rt_sigqueueinfo", Sys(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, kBad)},
      {"sigaltstack new", Sys(SYS_sigaltstack, kBad, 0)},
      {"sigaltstack old", Sys(SYS_sigaltstack, 0, kBad)},
      {"signalfd4", Sys(SYS_signalfd4, -1, kBad, 8, 0)},
  });
}

TEST_F(BadPointer, TimeAndWaiting) {
  ExpectAllEfault({
      {"nanosleep", Sys(SYS_nanosleep, kBad, 0)},
      {"clock_nanosleep", Sys(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, kBad, 0)},
      {"clock_gettime", Sys(SYS_clock_gettime, CLOCK_MONOTONIC, kBad)},
      {"clock_getres", Sys(SYS_clock_getres, CLOCK_MONOTONIC, kBad)},
      {"gettimeofday", Sys(SYS_gettimeofday, kBad, 0)},
      {"time", Sys(SYS_time, kBad)},
      {"setitimer", Sys(SYS_setitimer, ITIMER_REAL, kBad, 0)},
      {"getitimer", Sys(SYS_getitimer, ITIMER_REAL, kBad)},
      {"timer_create event", Sys(SYS_timer_create, CLOCK_MONOTONIC, kBad, buffer_)},
      {"timer_create id", Sys(SYS_timer_create, CLOCK_MONOTONIC, 0, kBad)},
      {"futex wait", Sys(SYS_futex, kBad, FUTEX_WAIT, 0, 0, 0, 0)},
      {"futex timeout",
       [](void* p) {
         static int word;
         return syscall(SYS_futex, &word, FUTEX_WAIT, 0, p);
       }},
      {"poll", Sys(SYS_poll, kBad, 1, 0)},
      {"ppoll timeout", Sys(SYS_ppoll, 0, 0, kBad, 0, 8)},
      {"ppoll mask", Sys(SYS_ppoll, 0, 0, buffer_, kBad, 8)},
      {"select set", Sys(SYS_select, 1, kBad, 0, 0, buffer_)},
      {"select timeout", Sys(SYS_select, 0, 0, 0, 0, kBad)},
      {"pselect6 mask",
       [](void* p) {
         timespec zero = {};
         struct {
           void* set;
           size_t size;
         } mask = {p, 8};
         return syscall(SYS_pselect6, 0, nullptr, nullptr, nullptr, &zero, &mask);
       }},
      {"epoll_ctl",
       [](void* p) {
         Fd epoll(epoll_create1(0));
         Pipe pipe;
         return syscall(SYS_epoll_ctl, epoll.get(), EPOLL_CTL_ADD, pipe.read.get(), p);
       }},
      {"epoll_wait",
       [](void* p) {
         Fd epoll(epoll_create1(0));
         Pipe pipe;
         epoll_event event = {EPOLLOUT, {}};
         epoll_ctl(epoll.get(), EPOLL_CTL_ADD, pipe.write.get(), &event);
         return syscall(SYS_epoll_wait, epoll.get(), p, 1, -1);
       }},
      {"timerfd_settime",
       [](void* p) {
         Fd timer(timerfd_create(CLOCK_MONOTONIC, 0));
         return syscall(SYS_timerfd_settime, timer.get(), 0, p, nullptr);
       }},
      {"timerfd_gettime",
       [](void* p) {
         Fd timer(timerfd_create(CLOCK_MONOTONIC, 0));
         return syscall(SYS_timerfd_gettime, timer.get(), p);
       }},
  });
}

TEST_F(BadPointer, Sockets) {
  Fd datagram(::socket(AF_UNIX, SOCK_DGRAM, 0));
  int s = datagram.get();
  socklen_t length = sizeof(buffer_);
  ExpectAllEfault({
      {"socketpair", Sys(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, kBad)},
      {"bind", Sys(SYS_bind, s, kBad, 10)},
      {"connect", Sys(SYS_connect, s, kBad, 10)},
      {"sendto buffer", Sys(SYS_sendto, socket(), kBad, 10, 0, 0, 0)},
      {"sendto address", Sys(SYS_sendto, s, buffer_, 10, 0, kBad, 10)},
      {"sendmsg", Sys(SYS_sendmsg, socket(), kBad, 0)},
      {"recvmsg", Sys(SYS_recvmsg, socket(), kBad, MSG_DONTWAIT)},
      {"recvfrom",
       [&](void* p) {
         EXPECT_EQ(1, send(b_.get(), "x", 1, 0));
         return syscall(SYS_recvfrom, socket(), p, 10, 0, nullptr, nullptr);
       }},
      {"getsockname", Sys(SYS_getsockname, s, kBad, &length)},
      {"getsockname length", Sys(SYS_getsockname, s, buffer_, kBad)},
      {"getpeername", Sys(SYS_getpeername, socket(), buffer_, kBad)},
      {"setsockopt", Sys(SYS_setsockopt, s, SOL_SOCKET, SO_SNDBUF, kBad, 4)},
      {"getsockopt", Sys(SYS_getsockopt, s, SOL_SOCKET, SO_TYPE, buffer_, kBad)},
      {"sendmmsg", Sys(SYS_sendmmsg, socket(), kBad, 1, 0)},
      {"msghdr name",
       [&](void* p) {
         msghdr m = {};
         m.msg_name = p;
         m.msg_namelen = 10;
         return sendmsg(s, &m, 0);
       }},
      {"msghdr iov",
       [&](void* p) {
         msghdr m = {};
         m.msg_iov = static_cast<iovec*>(p);
         m.msg_iovlen = 1;
         return sendmsg(socket(), &m, 0);
       }},
      {"msghdr control",
       [&](void* p) {
         msghdr m = {};
         iovec v = {buffer_, 1};
         m.msg_iov = &v;
         m.msg_iovlen = 1;
         m.msg_control = p;
         m.msg_controllen = 32;
         return sendmsg(socket(), &m, 0);
       }},
  });
}

TEST_F(BadPointer, Ipc) {
  int sem = semget(IPC_PRIVATE, 1, 0600), shm = shmget(IPC_PRIVATE, kPage, 0600);
  ASSERT_OK(sem);
  ASSERT_OK(shm);
  ExpectAllEfault({
      {"semop", Sys(SYS_semop, sem, kBad, 1)},
      {"semctl", Sys(SYS_semctl, sem, 0, IPC_STAT, kBad)},
      {"shmctl", Sys(SYS_shmctl, shm, IPC_STAT, kBad)},
      {"mq_open", Sys(SYS_mq_open, kBad, O_RDONLY, 0, 0)},
      {"mq_unlink", Sys(SYS_mq_unlink, kBad)},
  });
  semctl(sem, 0, IPC_RMID);
  shmctl(shm, IPC_RMID, nullptr);
}

TEST_F(BadPointer, Xattrs) {
  ExpectAllEfault({
      {"getxattr path", Sys(SYS_getxattr, kBad, "user.x", buffer_, 10)},
      {"getxattr name", Sys(SYS_getxattr, path(), kBad, buffer_, 10)},
      {"setxattr name", Sys(SYS_setxattr, path(), kBad, buffer_, 10, 0)},
      {"setxattr value", Sys(SYS_setxattr, path(), "user.x", kBad, 10, 0)},
      {"listxattr path", Sys(SYS_listxattr, kBad, buffer_, 10)},
      {"removexattr name", Sys(SYS_removexattr, path(), kBad)},
  });
}

TEST_F(BadPointer, NullIsBadToo) {
  EXPECT_ERRNO(syscall(SYS_read, fd(), nullptr, 1), EFAULT);
  EXPECT_ERRNO(syscall(SYS_open, nullptr, 0), EFAULT);
  EXPECT_ERRNO(syscall(SYS_stat, path(), nullptr), EFAULT);
  EXPECT_ERRNO(syscall(SYS_uname, nullptr), EFAULT);
  EXPECT_ERRNO(syscall(SYS_nanosleep, nullptr, nullptr), EFAULT);
  EXPECT_ERRNO(syscall(SYS_pipe2, nullptr, 0), EFAULT);
}

// The last bytes before a page that is not there.
class Edge {
 public:
  Edge()
      : p_(static_cast<char*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    mprotect(p_ + kPage, kPage, PROT_NONE);
  }
  ~Edge() { munmap(p_, 2 * kPage); }
  char* Before(size_t n) { return p_ + kPage - n; }

 private:
  char* p_;
};

TEST_F(BadPointer, StringEndingAtTheEdgeIsFine) {
  Edge edge;
  strcpy(edge.Before(2), "/");
  EXPECT_OK(access(edge.Before(2), F_OK));
  memcpy(edge.Before(4), path(), 4);
  EXPECT_ERRNO(access(edge.Before(4), F_OK), EFAULT) << "unterminated";
}

TEST_F(BadPointer, StructureAcrossTheEdgeIsEfault) {
  Edge edge;
  EXPECT_ERRNO(syscall(SYS_stat, path(), edge.Before(sizeof(struct stat) - 1)), EFAULT);
  EXPECT_OK(syscall(SYS_stat, path(), edge.Before(sizeof(struct stat))));
  EXPECT_ERRNO(syscall(SYS_nanosleep, edge.Before(8), nullptr), EFAULT);
  EXPECT_OK(syscall(SYS_nanosleep, edge.Before(16), nullptr));
}

TEST_F(BadPointer, WriteAcrossTheEdgeWritesWhatIsThere) {
  Edge edge;
  memset(edge.Before(8), 'e', 8);
  ASSERT_OK(ftruncate(fd(), 0));
  ssize_t n = pwrite(fd(), edge.Before(8), 64, 0);
  EXPECT_TRUE(n == 8 || (n == -1 && errno == EFAULT)) << n;
}

TEST_F(BadPointer, ReadAcrossTheEdgeIsPartialOrEfault) {
  Edge edge;
  ssize_t n = pread(fd(), edge.Before(8), 64, 0);
  EXPECT_TRUE(n == 8 || (n == -1 && errno == EFAULT)) << n;
  // Nothing may be taken from a pipe beyond what was delivered.
  Pipe pipe;
  EXPECT_EQ(16, write(pipe.write.get(), "0123456789abcdef", 16));
  n = read(pipe.read.get(), edge.Before(8), 16);
  EXPECT_TRUE(n == 8 || (n == -1 && errno == EFAULT)) << n;
}

TEST_F(BadPointer, WriteToReadOnlyMemoryIsEfaultAndHarmless) {
  auto* p = static_cast<char*>(mmap(nullptr, kPage, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  EXPECT_ERRNO(pread(fd(), p, 10, 0), EFAULT);
  EXPECT_ERRNO(syscall(SYS_uname, p), EFAULT);
  EXPECT_ERRNO(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, p), EFAULT);
  EXPECT_EQ(0, p[0]);
  // The program text, too.
  EXPECT_ERRNO(pread(fd(), reinterpret_cast<void*>(&BadAddresses), 10, 0), EFAULT);
  munmap(p, kPage);
}

TEST_F(BadPointer, ReadFromWriteOnlyMemoryWorksOnThisMachine) {
  auto* p = static_cast<char*>(mmap(nullptr, kPage, PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  EXPECT_EQ(10, pwrite(fd(), p, 10, 0));
  munmap(p, kPage);
}

TEST_F(BadPointer, LengthThatWrapsIsRefused) {
  EXPECT_ERRNO(syscall(SYS_read, fd(), 0xfffffffffffff000, 0x2000), EFAULT);
  EXPECT_ERRNO(syscall(SYS_write, fd(), 0x7fffffffe000, 0xffffffffffff), EFAULT);
  iovec v[2] = {{buffer_, static_cast<size_t>(SSIZE_MAX)}, {buffer_, static_cast<size_t>(SSIZE_MAX)}};
  ssize_t n = readv(-1, v, 2);
  EXPECT_EQ(-1, n);
  v[0].iov_len = static_cast<size_t>(-1);
  EXPECT_ERRNO(readv(fd(), v, 1), EINVAL);
}

TEST_F(BadPointer, ZeroLengthNeedsNoMemory) {
  EXPECT_EQ(0, syscall(SYS_read, fd(), 16, 0));
  EXPECT_EQ(0, syscall(SYS_write, fd(), 16, 0));
  EXPECT_EQ(0, syscall(SYS_readv, fd(), buffer_, 0));
}

}  // namespace
}  // namespace guest
