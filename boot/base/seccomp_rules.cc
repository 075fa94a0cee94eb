#include "boot/base/seccomp_rules.h"

#include <sys/syscall.h>

#include <cerrno>
#include <utility>

namespace runsc {

scmp_arg_cmp int_is(unsigned index, int value) {
  return {index, SCMP_CMP_MASKED_EQ, 0xffffffffU, static_cast<std::uint32_t>(value)};
}

scmp_arg_cmp bits_are(unsigned index, std::uint64_t mask, std::uint64_t value) {
  return {index, SCMP_CMP_MASKED_EQ, mask, value};
}

void append_rules(std::vector<SeccompRule>& rules, std::vector<SeccompRule> more) {
  for (SeccompRule& rule : more) rules.push_back(std::move(rule));
}

std::vector<SeccompRule> sanitizer_rules() {
#ifdef RUNSC_SANITIZED
  return {
      {SYS_sigaltstack, {}, "a signal stack for each thread", false},
      {SYS_mmap, {}, "shadow memory", false},
      {SYS_munmap, {}, "the same", false},
      {SYS_madvise, {}, "the same", false},
      {SYS_mprotect, {}, "the same", false},
      {SYS_prctl, {}, "names of threads", false},
      {SYS_sched_yield, {}, "spin locks", false},
      {SYS_futex, {}, "locks", false},
      {SYS_getpid, {}, "reports", false},
      {SYS_gettid, {}, "reports", false},
      {SYS_write, {}, "reports", false},
      {SYS_tgkill, {}, "the end after a report", false},
      {SYS_rt_sigaction, {}, "the same", false},
      {SYS_rt_sigprocmask, {}, "the same", false},
      {SYS_readlink, {}, "the program's name in reports", false},
      {SYS_open, {}, "memory maps, for reports: they do without", false, ENOENT},
      {SYS_stat, {}, "the same", false, ENOENT},
      {SYS_nanosleep, {}, "the background thread", false},
      {SYS_gettimeofday, {}, "the same", false},
      {SYS_getrusage, {}, "how much memory there is", false},
      {SYS_prlimit64, {}, "bounds of a stack", false},
      {SYS_sched_getaffinity, {}, "the same", false},
      {SYS_clock_nanosleep, {}, "waiting for another thread's report", false},
      {SYS_pipe2, {}, "probing addresses", false},
  };
#else
  return {};
#endif
}

}  // namespace runsc
