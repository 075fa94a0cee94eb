// The seccomp state of a task (seccomp(2)): strict mode, or filters, newest last. Immutable and shared: fork and execve
// inherit it, a new filter makes a new one.
//
// The application's calls pass it before they are served (seccomp_check.h). Some calls never reach this kernel because
// the platform leaves them to the host: unless the filters allow those whatever their arguments are, the task's thread
// runs with ThreadState::no_native_calls.
#pragma once

#include <linux/seccomp.h>

#include <bitset>
#include <memory>
#include <vector>

#include "boot/base/result.h"
#include "boot/kernel/filter_program.h"
#include "boot/syscalls/table.h"

namespace runsc {

class SeccompFilters;
using SeccompFiltersPtr = std::shared_ptr<const SeccompFilters>;  // null: none

class SeccompFilters {
 public:
  struct Filter {
    FilterProgram program;
    bool log = false;                // SECCOMP_FILTER_FLAG_LOG
    bool no_new_privileges = false;  // of who installed it; SECCOMP_FILTER_FLAG_TSYNC passes that on
  };

  // read, write, exit and rt_sigreturn are left.
  static SeccompFiltersPtr strict();
  // `older` (may be null) and one filter more. ENOMEM: together they are too long.
  static Result<SeccompFiltersPtr> add(const SeccompFilters* older, Filter filter);

  bool is_strict() const { return strict_; }
  int mode() const { return strict_ ? SECCOMP_MODE_STRICT : SECCOMP_MODE_FILTER; }
  std::size_t count() const { return filters_.size(); }
  // The oldest is number 0.
  const Filter& filter(std::size_t number) const { return *filters_[number]; }
  bool no_new_privileges() const { return no_new_privileges_; }

  // What the filters say together (the most restrictive action, of the newest of equals). Not for strict mode.
  std::uint32_t evaluate(const seccomp_data& call) const;
  // Whether the call passes with any arguments. Not for strict mode.
  bool always_allows(std::uint64_t number) const { return number < kSyscallLimit && allowed_[number]; }
  bool allows_native_calls() const;
  // Whether `other` (null: no filters) has nothing but the oldest of these: these can replace it.
  bool extends(const SeccompFilters* other) const;

 private:
  bool strict_ = false;
  bool no_new_privileges_ = false;
  std::vector<std::shared_ptr<const Filter>> filters_;
  std::size_t total_size_ = 0;
  std::bitset<kSyscallLimit> allowed_;  // by number, whatever the arguments are
};

}  // namespace runsc
