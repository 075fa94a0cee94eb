// The gofer's seccomp policy: a list of rules, each with its reason. Whatever is not on the list kills the process.
#pragma once

#include <seccomp.h>

#include <cstdint>
#include <span>
#include <vector>

#include "boot/base/result.h"

namespace runsc::gofer {

struct SeccompRule {
  int call;                              // the system call's number
  std::vector<scmp_arg_cmp> conditions;  // all must hold
  const char* reason;
  // Whether serving every operation once cannot do without the rule. What the allocator and error paths need now and
  // then is not `always`; filter_test checks the others.
  bool always = true;
};

// `proc_self_fd`: the descriptor of /proc/self/fd, the only directory below which plain openat(2) is allowed.
std::vector<SeccompRule> gofer_rules(int proc_self_fd);

// Confines all threads of the process, for good; sets no_new_privs. ECANCELED etc. as seccomp_load(3).
Result<void> install_rules(std::span<const SeccompRule> rules);

// Both.
Result<void> install_gofer_filter(int proc_self_fd);

}  // namespace runsc::gofer
