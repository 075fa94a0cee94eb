#include "gofer/filter/rules.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

namespace runsc::gofer {
namespace {

std::vector<SeccompRule> connection_rules() {
  return {
      {SYS_recvmsg, {}, "read requests"},
      {SYS_sendmsg, {}, "answer, and donate descriptors"},
      {SYS_shutdown, {}, "end a connection"},
      {SYS_close, {}, "drop handles and donated descriptors"},
      {SYS_sched_setaffinity, {int_is(0, 0)}, "serve on the processor where the client waits; itself only"},
  };
}

std::vector<SeccompRule> lookup_rules(int proc_self_fd) {
  return {
      {SYS_openat2, {}, "open and create entries beneath a directory"},
      {SYS_openat, {int_is(0, proc_self_fd)}, "reopen a held inode through /proc/self/fd, never by another path"},
      {SYS_statx, {int_is(2, AT_EMPTY_PATH)}, "attributes of held inodes"},
      {SYS_readlinkat, {}, "targets of symlinks"},
      {SYS_getdents64, {}, "read directories"},
      {SYS_lseek, {}, "go to a place in a directory"},
      {SYS_fstatfs, {}, "statfs"},
      {SYS_fcntl, {int_is(1, F_DUPFD_CLOEXEC)}, "a descriptor for the peer of an inode that is held here too"},
      {SYS_inotify_init1, {}, "tell the peer what others change"},
      {SYS_inotify_add_watch, {}, "the same; of held directories, named by number in the working directory"},
      {SYS_inotify_rm_watch, {}, "the same"},
      {SYS_fgetxattr, {}, "read extended attributes"},
      {SYS_flistxattr, {}, "list extended attributes"},
  };
}

std::vector<SeccompRule> change_rules(int proc_self_fd) {
  return {
      {SYS_fchmodat, {int_is(0, proc_self_fd)}, "mode of a held inode"},
      {SYS_fchownat, {int_is(4, AT_EMPTY_PATH)}, "owner of a held inode"},
      {SYS_ftruncate, {}, "size"},
      {SYS_utimensat, {int_is(3, AT_EMPTY_PATH)}, "times of a held inode"},
      {SYS_mkdirat, {}, "mkdir"},
      {SYS_mknodat, {bits_are(2, S_IFMT, S_IFREG)}, "mknod of regular files"},
      {SYS_mknodat, {bits_are(2, S_IFMT, S_IFIFO)}, "mknod of FIFOs"},
      {SYS_mknodat, {bits_are(2, S_IFMT, S_IFSOCK)}, "mknod of sockets; devices are in no rule"},
      {SYS_symlinkat, {}, "symlink"},
      {SYS_linkat, {int_is(0, proc_self_fd), int_is(4, AT_SYMLINK_FOLLOW)}, "another name for a held inode"},
      {SYS_unlinkat, {}, "unlink and rmdir"},
      {SYS_renameat2, {}, "rename"},
      {SYS_fsync, {}, "fsync of directories"},
      {SYS_fsetxattr, {}, "set extended attributes"},
      {SYS_fremovexattr, {}, "remove extended attributes"},
  };
}

std::vector<SeccompRule> unix_socket_rules() {
  return {
      {SYS_socket, {int_is(0, AF_UNIX)}, "connect to a socket of the tree, where the mount allows it"},
      {SYS_connect, {}, "the same"},
  };
}

std::vector<SeccompRule> runtime_rules() {
  return {
      {SYS_futex, {}, "join threads, locks of the allocator and the log"},
      {SYS_exit, {}, "end of a connection's thread"},
      {SYS_exit_group, {}, "end of the process"},
      {SYS_rt_sigprocmask, {}, "the C library blocks signals while a thread ends"},
      {SYS_madvise, {int_is(2, MADV_DONTNEED)}, "stack of an ended thread, allocator"},
      {SYS_mmap, {bits_are(2, PROT_EXEC, 0)}, "allocator; nothing executable", false},
      {SYS_munmap, {}, "allocator, stacks", false},
      {SYS_mremap, {}, "allocator: large blocks", false},
      {SYS_brk, {}, "allocator", false},
      {SYS_getrandom, {}, "allocator: its thread caches", false},
      {SYS_write, {}, "log lines", false},
      {SYS_gettid, {}, "log lines", false},
      {SYS_clock_gettime, {}, "log lines, where the vdso has no clock", false},
      {SYS_restart_syscall, {}, "the host resumes a stopped futex wait with it", false},
  };
}

}  // namespace

std::vector<SeccompRule> gofer_rules(int proc_self_fd) {
  std::vector<SeccompRule> rules = connection_rules();
  append_rules(rules, lookup_rules(proc_self_fd));
  append_rules(rules, change_rules(proc_self_fd));
  append_rules(rules, unix_socket_rules());
  append_rules(rules, runtime_rules());
  append_rules(rules, sanitizer_rules());
  return rules;
}

}  // namespace runsc::gofer
