// One seccomp filter of an application: a classic BPF program over struct seccomp_data (seccomp(2), bpf.h). Hostile
// input: checked once by Linux's rules, after which running it reads nothing but its data, 16 words of scratch memory
// and itself, and ends, because jumps only lead forward.
#pragma once

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cstdint>
#include <vector>

#include "boot/base/result.h"

namespace runsc {

class FilterProgram {
 public:
  // EINVAL: an instruction that seccomp filters may not have, a jump or memory word out of bounds, a load of a word
  // that no path has stored, or no return at the end.
  static Result<FilterProgram> check(std::vector<sock_filter> code);

  // What it returns for the call (SECCOMP_RET_*).
  std::uint32_t run(const seccomp_data& call) const;
  // Whether it allows system call `number` of x86-64 whatever its arguments are.
  bool always_allows(std::uint32_t number) const;

  std::size_t size() const { return code_.size(); }
  const std::vector<sock_filter>& code() const { return code_; }

 private:
  explicit FilterProgram(std::vector<sock_filter> code) : code_(std::move(code)) {}
  std::vector<sock_filter> code_;
};

}  // namespace runsc
