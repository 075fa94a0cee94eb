// Resource limits (getrlimit(2)): the application kernel's own, whatever the host's are.
#pragma once

#include <sys/resource.h>

#include <array>
#include <cstdint>

#include "boot/base/lock.h"

namespace runsc {

struct Limit {
  std::uint64_t soft = RLIM_INFINITY;
  std::uint64_t hard = RLIM_INFINITY;
};

struct LimitTable {
  std::array<Limit, RLIM_NLIMITS> values;  // by RLIMIT_*
};

// Linux's own for its first process (include/asm-generic/resource.h).
LimitTable default_limits();

// Of one thread group; thread-safe.
class Limits {
 public:
  explicit Limits(const LimitTable& table) : table_(table) {}
  Limit get(int resource) const { return table_.lock()->values[resource]; }
  std::uint64_t soft(int resource) const { return get(resource).soft; }
  void set(int resource, Limit limit) { table_.lock()->values[resource] = limit; }
  LimitTable all() const { return *table_.lock(); }

 private:
  Guarded<LimitTable, LockLevel::kLeaf> table_;
};

}  // namespace runsc
