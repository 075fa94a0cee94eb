#include "boot/filter/boot_rules.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <cerrno>

#include "boot/socket/host/host_options.h"

namespace runsc {
namespace {

// Linux 6.6; Debian 12's headers are older.
constexpr unsigned long kNotifySetFlags = _IOW(SECCOMP_IOC_MAGIC, 4, __u64);

SeccompRule terminal_rule(unsigned long request, const char* reason) {
  return {SYS_ioctl, {int_is(1, static_cast<int>(request))}, reason, false};
}

// Application threads and their address spaces (boot/platform/seccomp).
std::vector<SeccompRule> platform_rules() {
  return {
      {SYS_ioctl, {int_is(1, static_cast<int>(SECCOMP_IOCTL_NOTIF_RECV))}, "receive system calls"},
      {SYS_ioctl, {int_is(1, static_cast<int>(SECCOMP_IOCTL_NOTIF_SEND))}, "answer them"},
      {SYS_ioctl, {int_is(1, static_cast<int>(kNotifySetFlags))}, "wake on the same processor"},
      {SYS_process_vm_readv, {}, "read application memory: only that of descendants, by the host's ptrace rules"},
      {SYS_process_vm_writev, {}, "write it"},
      {SYS_kill, {}, "stop and end application threads: nothing else lives in this pid namespace"},
      {SYS_tgkill, {}, "the same; abort(3)", false},
      {SYS_wait4, {}, "reap them"},
      {SYS_waitid, {}, "whether one that is slow to answer has died; it is not reaped by asking", false},
      {SYS_sched_setaffinity,
       {},
       "agents, and threads that wait for a gofer, stay on one processor; an application's where it asks to be"},
      {SYS_getcpu, {}, "which processor that is, where the vdso does not tell", false},
  };
}

// Files of the host that were donated, and memory files of the kernel's own. No rule opens anything by a path.
std::vector<SeccompRule> file_rules() {
  return {
      {SYS_read, {}, "stdio, event counters, timers"},
      {SYS_write, {}, "stdio, event counters, reports, log lines"},
      {SYS_readv, {}, "stdio", false},
      {SYS_writev, {}, "stdio", false},
      {SYS_pread64, {}, "donated files", false},
      {SYS_pwrite64, {}, "donated files, overlay stores", false},
      {SYS_preadv2, {}, "donated files"},
      {SYS_pwritev2, {}, "donated files"},
      {SYS_lseek, {}, "donated files: holes; standard input"},
      {SYS_fstat, {}, "size and times of donated files"},
      {SYS_newfstatat, {int_is(3, AT_EMPTY_PATH)}, "the C library's fstat", false},
      {SYS_fcntl, {}, "access modes of donated descriptors; copies of them"},
      {SYS_ftruncate, {}, "donated files, memory files"},
      {SYS_fallocate, {}, "donated files; memory that is no longer used"},
      {SYS_fsync, {}, "fsync", false},
      {SYS_fdatasync, {}, "fdatasync", false},
      {SYS_sync_file_range, {}, "sync_file_range", false},
      {SYS_memfd_create, {}, "shared memory, tmpfs"},
      {SYS_close, {}, "descriptors of its own"},
      {SYS_ioctl, {int_is(1, FIONREAD)}, "FIONREAD of stdio", false},
  };
}

// Standard input and output that are a terminal of the host.
std::vector<SeccompRule> terminal_rules() {
  return {
      terminal_rule(TCGETS, "settings of the host terminal"),
      terminal_rule(TCSETS, "the same"),
      terminal_rule(TCSETSW, "the same"),
      terminal_rule(TCSETSF, "the same"),
      terminal_rule(TCFLSH, "discard input"),
      terminal_rule(TCSBRK, "wait for output"),
      terminal_rule(TCXONC, "flow control"),
      terminal_rule(TIOCGWINSZ, "window size"),
      terminal_rule(TIOCSWINSZ, "the same"),
      // Also of sockets.
      terminal_rule(TIOCOUTQ, "how much waits for output"),
  };
}

// Gofers and control clients. Sockets of the host network have rules of their own when the configuration grants them.
std::vector<SeccompRule> connection_rules() {
  return {
      {SYS_sendmsg, {}, "requests to gofers"},
      {SYS_recvmsg, {}, "their answers and donated descriptors"},
      {SYS_sendto, {}, "standard output that is a socket", false},
      {SYS_recvfrom, {}, "standard input that is a socket", false},
      {SYS_shutdown, {}, "end a connection", false},
      {SYS_accept4, {}, "control clients; the application's listening sockets", false},
      {SYS_getsockopt, {int_is(1, SOL_SOCKET), int_is(2, SO_PEERCRED)}, "who they are", false},
      // KJ also asks for SO_SNDBUF, which is among the options of network_rules().
  };
}

// Sockets that the sockets of the application stand on (boot/socket/host). The host's network namespace is the
// container's, or an empty one: what these calls reach is what the container may reach. Of protocols only those here,
// of options only those of the list.
std::vector<SeccompRule> network_rules() {
  std::vector<SeccompRule> rules = {
      {SYS_bind, {}, "addresses of the application's sockets"},
      {SYS_connect, {}, "the same"},
      {SYS_listen, {}, "the same", false},
      {SYS_getsockname, {}, "the same", false},
      {SYS_getpeername, {}, "the same", false},
  };
  const auto socket_rule = [&](int domain, int type, int protocol, const char* reason) {
    rules.push_back({SYS_socket,
                     {int_is(0, domain), int_is(1, type | SOCK_NONBLOCK | SOCK_CLOEXEC), int_is(2, protocol)},
                     reason,
                     false});
  };
  for (const int domain : {AF_INET, AF_INET6}) {
    socket_rule(domain, SOCK_STREAM, IPPROTO_TCP, "TCP");
    socket_rule(domain, SOCK_DGRAM, IPPROTO_UDP, "UDP");
    socket_rule(domain, SOCK_DGRAM, domain == AF_INET ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}, "ping");
  }
  socket_rule(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, "questions about interfaces and routes");
  for (const HostOption& option : host_options()) {
    const std::vector<scmp_arg_cmp> which = {int_is(1, option.level), int_is(2, option.name)};
    if (option.readable()) rules.push_back({SYS_getsockopt, which, "options of the application's sockets", false});
    if (option.writable()) rules.push_back({SYS_setsockopt, which, "the same", false});
  }
  for (const int request : interface_questions())
    rules.push_back({SYS_ioctl, {int_is(1, request)}, "questions about interfaces", false});
  for (const int request : {SIOCOUTQNSD, SIOCATMARK, SIOCGSTAMP_OLD, SIOCGSTAMPNS_OLD})
    rules.push_back({SYS_ioctl, {int_is(1, request)}, "states of the application's sockets", false});
  return rules;
}

std::vector<SeccompRule> event_rules() {
  return {
      {SYS_epoll_create1, {}, "readiness of host descriptors"},
      {SYS_epoll_ctl, {}, "the same"},
      {SYS_epoll_wait, {}, "the same"},
      {SYS_poll, {}, "the same; death of a gofer"},
      {SYS_ppoll, {}, "the same", false},
      {SYS_signalfd4, {int_is(0, -1)}, "KJ's event loop makes one, for no signal"},
      {SYS_eventfd2, {}, "end of the first process, end of threads"},
      {SYS_timerfd_create, {}, "timers of the application"},
      {SYS_timerfd_settime, {}, "the same"},
      {SYS_clock_gettime, {}, "CPU clocks of application threads"},
      {SYS_clock_getres, {}, "clock_getres", false},
      {SYS_clock_nanosleep, {}, "short waits of the kernel's own", false},
      {SYS_getrandom, {}, "getrandom, random devices, AT_RANDOM"},
      {SYS_sysinfo, {}, "sysinfo, meminfo", false},
      {SYS_sched_getaffinity, {}, "how many processors there are; to wait for a gofer on one, and return", false},
  };
}

std::vector<SeccompRule> runtime_rules() {
  constexpr std::uint64_t kThread = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;
  return {
      {SYS_futex, {}, "locks and sleeping tasks"},
      {SYS_clone3, {}, "cannot be checked: the C library then uses clone", true, ENOSYS},
      {SYS_clone, {bits_are(0, kThread, kThread)}, "task threads"},
      {SYS_set_robust_list, {}, "start of a thread"},
      {SYS_rseq, {}, "start of a thread"},
      {SYS_rt_sigprocmask, {}, "start and end of a thread"},
      {SYS_rt_sigaction, {}, "KJ ignores SIGPIPE; abort(3)"},
      {SYS_mprotect, {bits_are(2, PROT_EXEC, 0)}, "guard pages of stacks; nothing executable"},
      {SYS_mmap, {bits_are(2, PROT_EXEC, 0)}, "allocator, stacks, mailboxes; nothing executable"},
      {SYS_munmap, {}, "the same"},
      {SYS_mremap, {}, "allocator: large blocks; the reserved range of a new address space", false},
      {SYS_madvise, {}, "stacks of ended threads, allocator"},
      {SYS_brk, {}, "allocator", false},
      {SYS_exit, {}, "end of a thread"},
      {SYS_exit_group, {}, "end of the sandbox"},
      {SYS_sched_yield, {}, "locks of the C++ library", false},
      {SYS_gettid, {}, "log lines, abort(3)", false},
      {SYS_getpid, {}, "the same", false},
      {SYS_restart_syscall, {}, "the host resumes stopped waits with it", false},
      // The allocator looks there when many threads allocate; it copes without.
      {SYS_openat, {}, "the allocator's look at the host's overcommit setting: there is nothing to see", false, ENOENT},
  };
}

}  // namespace

std::vector<SeccompRule> boot_rules() {
  std::vector<SeccompRule> rules = platform_rules();
  append_rules(rules, file_rules());
  append_rules(rules, terminal_rules());
  append_rules(rules, connection_rules());
  append_rules(rules, network_rules());
  append_rules(rules, event_rules());
  append_rules(rules, runtime_rules());
  append_rules(rules, sanitizer_rules());
  return rules;
}

}  // namespace runsc
