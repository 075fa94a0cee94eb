#include "test/guest/hostile/fuzz.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <initializer_list>

namespace hostile {
namespace {

// Would end the attack (or this test), not attack anything.
constexpr long kPointless[] = {SYS_exit,
                               SYS_exit_group,
                               SYS_pause,
                               SYS_rt_sigsuspend,
                               SYS_rt_sigreturn,
                               SYS_vfork,
                               SYS_kill,
                               SYS_tkill,
                               SYS_tgkill,
                               SYS_rt_sigqueueinfo,
                               SYS_reboot,
                               SYS_rt_tgsigqueueinfo,
                               SYS_pidfd_send_signal};

// Could change the machine, leave objects behind or multiply: only where a sandbox contains it.
constexpr long kDangerous[] = {SYS_fork,
                               SYS_clone,
                               SYS_clone3,
                               SYS_execve,
                               SYS_execveat,
                               SYS_ptrace,
                               SYS_process_vm_writev,
                               SYS_mount,
                               SYS_umount2,
                               SYS_pivot_root,
                               SYS_chroot,
                               SYS_setns,
                               SYS_unshare,
                               428,
                               429,
                               430,
                               431,
                               432,
                               433,
                               442,
                               SYS_swapon,
                               SYS_swapoff,
                               SYS_sethostname,
                               SYS_setdomainname,
                               SYS_settimeofday,
                               SYS_clock_settime,
                               SYS_adjtimex,
                               SYS_clock_adjtime,
                               SYS_init_module,
                               SYS_finit_module,
                               SYS_delete_module,
                               SYS_kexec_load,
                               SYS_kexec_file_load,
                               SYS_bpf,
                               SYS_perf_event_open,
                               SYS_add_key,
                               SYS_request_key,
                               SYS_keyctl,
                               SYS_syslog,
                               SYS_iopl,
                               SYS_ioperm,
                               SYS_vhangup,
                               SYS_acct,
                               SYS_quotactl,
                               443,
                               SYS_shmget,
                               SYS_semget,
                               SYS_msgget,
                               SYS_mq_open,
                               SYS_mq_unlink,
                               SYS_open,
                               SYS_openat,
                               SYS_openat2,
                               SYS_creat,
                               SYS_mkdir,
                               SYS_mkdirat,
                               SYS_mknod,
                               SYS_mknodat,
                               SYS_symlink,
                               SYS_symlinkat,
                               SYS_link,
                               SYS_linkat,
                               SYS_unlink,
                               SYS_unlinkat,
                               SYS_rename,
                               SYS_renameat,
                               SYS_renameat2,
                               SYS_rmdir,
                               SYS_truncate,
                               SYS_chmod,
                               SYS_fchmodat,
                               452,
                               SYS_chown,
                               SYS_lchown,
                               SYS_fchownat,
                               SYS_utime,
                               SYS_utimes,
                               SYS_utimensat,
                               SYS_futimesat,
                               SYS_setxattr,
                               SYS_lsetxattr,
                               SYS_removexattr,
                               SYS_lremovexattr,
                               SYS_ioctl,
                               SYS_setpriority,
                               SYS_sched_setattr,
                               SYS_sched_setparam,
                               SYS_sched_setscheduler,
                               SYS_ioprio_set,
                               SYS_prlimit64,
                               SYS_setrlimit,
                               SYS_memfd_create,
                               SYS_fallocate,
                               SYS_userfaultfd,
                               SYS_io_uring_setup,
                               SYS_fanotify_init,
                               SYS_lookup_dcookie,
                               SYS_migrate_pages,
                               SYS_move_pages,
                               SYS_sync,
                               SYS_seccomp,
                               SYS_prctl,
                               SYS_inotify_init,
                               SYS_inotify_init1,
                               SYS_sendto,
                               SYS_sendmsg,
                               SYS_sendmmsg,
                               SYS_connect,
                               SYS_bind,
                               334,
                               335,
                               336};

bool Contains(const long* begin, const long* end, long number) { return std::find(begin, end, number) != end; }

bool Skip(long number, bool contained) {
  if (Contains(std::begin(kPointless), std::end(kPointless), number)) return true;
  return !contained && Contains(std::begin(kDangerous), std::end(kDangerous), number);
}

// Memory with strings and small structures that calls may read and write.
class Arena {
 public:
  explicit Arena(Random* random)
      : random_(random),
        base_(static_cast<char*>(mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {
    mprotect(base_ + kSize - 4096, 4096, PROT_NONE);
    Refill();
  }
  void Refill() {
    for (size_t i = 0; i + 8 <= kSize - 4096; i += 8) {
      uint64_t word = random_->Below(3) == 0 ? random_->Next() : random_->Below(64);
      memcpy(base_ + i, &word, 8);
    }
    const char* paths[] = {"/",
                           "/tmp",
                           "/proc/self/maps",
                           "/proc/self/mem",
                           "/dev/null",
                           "/dev/zero",
                           "/dev/ptmx",
                           "/proc/1/status",
                           "..",
                           "tmp/x",
                           ".",
                           "/proc/self/fd/0"};
    for (size_t i = 0; i < std::size(paths); ++i) strcpy(base_ + 0x1000 + i * 64, paths[i]);
  }
  uintptr_t Pick() {
    switch (random_->Below(4)) {
      case 0:
        return Address(0x1000 + random_->Below(12) * 64);
      case 1:
        return Address(kSize - 4096 - random_->Below(64));
      default:
        return Address(random_->Below(kSize - 4096) & ~uintptr_t{7});
    }
  }

 private:
  static constexpr size_t kSize = 64 << 10;
  uintptr_t Address(size_t offset) { return reinterpret_cast<uintptr_t>(base_) + offset; }
  Random* random_;
  char* base_;
};

uint64_t Argument(Random* random, Arena* arena, const std::vector<uintptr_t>& targets) {
  static constexpr uint64_t kEdges[] = {0,
                                        ~0ull,
                                        1ull << 31,
                                        1ull << 32,
                                        1ull << 47,
                                        1ull << 63,
                                        (1ull << 63) - 1,
                                        4096,
                                        ~4095ull,
                                        0xffffffff81000000,
                                        static_cast<uint64_t>(-100)};
  switch (random->Below(10)) {
    case 0:
      return random->Next();
    case 1:
      return kEdges[random->Below(std::size(kEdges))];
    case 2:
      return targets[random->Below(targets.size())] + random->Below(4096);
    case 3:
      return targets[random->Below(targets.size())];
    case 4:
      return 1ull << random->Below(64);
    case 5:
    case 6:
      return random->Below(16);
    default:
      return arena->Pick();
  }
}

// A process or thread that a call made starts here too, as a copy: it has nothing to do.
void LeaveIfCopied(pid_t process, pid_t thread) {
  if (syscall(SYS_getpid) != process) _exit(0);
  if (syscall(SYS_gettid) != thread) syscall(SYS_exit, 0);
}

// Calls that block are interrupted after a few milliseconds, unless the calls have undone this.
void InterruptBlockedCalls() {
  struct sigaction action = {};
  action.sa_handler = [](int) {};
  sigaction(SIGALRM, &action, nullptr);
  sigset_t alarm;
  sigemptyset(&alarm);
  sigaddset(&alarm, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarm, nullptr);
  itimerval timer = {{0, 5000}, {0, 5000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

uint64_t Random::Next() {
  // xorshift64*
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return state_ * 0x2545f4914f6cdd1d;
}

void RandomCalls(uint64_t seed, int count, bool contained, const std::vector<uintptr_t>& targets) {
  Random random(seed);
  Arena arena(&random);
  pid_t process = getpid(), thread = static_cast<pid_t>(syscall(SYS_gettid));
  for (int i = 0; i < count; ++i) {
    long number = static_cast<long>(random.Below(601));
    uint64_t a[6];
    for (uint64_t& argument : a) argument = Argument(&random, &arena, targets);
    if (i % 64 == 0) {
      arena.Refill();
      InterruptBlockedCalls();
    }
    if (Skip(number, contained)) continue;
    syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    LeaveIfCopied(process, thread);
  }
}

}  // namespace hostile
