// Seccomp policies as data: a list of rules, each with its reason. Whatever is not on the list kills the process.
//
// The rules are compiled when the program is built (seccomp_compiler.h), not when it starts.
#pragma once

#include <seccomp.h>

#include <cstdint>
#include <vector>

namespace runsc {

struct SeccompRule {
  int call;                              // the system call's number
  std::vector<scmp_arg_cmp> conditions;  // all must hold
  const char* reason;
  // Whether the process cannot do its whole work once without the rule. What the allocator and error paths need now and
  // then is not `always`; the filters' tests check the others.
  bool always = true;
  int error = 0;  // not 0: the call is refused with this errno instead of being allowed
};

// An int argument: the upper half of the register does not count.
scmp_arg_cmp int_is(unsigned index, int value);
// The bits of `mask` in an argument have this value.
scmp_arg_cmp bits_are(unsigned index, std::uint64_t mask, std::uint64_t value);

void append_rules(std::vector<SeccompRule>& rules, std::vector<SeccompRule> more);

// What the run-time libraries of the sanitizers do by themselves, in builds with one (RUNSC_SANITIZED in .bazelrc);
// empty in all others.
std::vector<SeccompRule> sanitizer_rules();

}  // namespace runsc
