#include "boot/kernel/seccomp_filters.h"

#include <sys/syscall.h>

#include <algorithm>

namespace runsc {
namespace {

// MAX_INSNS_PER_PATH of Linux, and what it adds for each filter.
constexpr std::size_t kMostInstructions = (1 << 18) / 8;
constexpr std::size_t kCostOfFilter = 4;

// The lower, the more restrictive; KILL_PROCESS is the lowest as a signed number.
std::int32_t rank(std::uint32_t result) { return static_cast<std::int32_t>(result & SECCOMP_RET_ACTION_FULL); }

}  // namespace

SeccompFiltersPtr SeccompFilters::strict() {
  auto filters = std::make_shared<SeccompFilters>();
  filters->strict_ = true;
  return filters;
}

Result<SeccompFiltersPtr> SeccompFilters::add(const SeccompFilters* older, Filter filter) {
  auto filters = older != nullptr ? std::make_shared<SeccompFilters>(*older) : std::make_shared<SeccompFilters>();
  if (filters->total_size_ + filter.program.size() > kMostInstructions) return Errno(ENOMEM);
  filters->total_size_ += filter.program.size() + kCostOfFilter;
  for (std::size_t number = 0; number < kSyscallLimit; ++number)
    filters->allowed_[number] = (older == nullptr || older->allowed_[number]) &&
                                filter.program.always_allows(static_cast<std::uint32_t>(number));
  filters->no_new_privileges_ = filters->no_new_privileges_ || filter.no_new_privileges;
  filters->filters_.push_back(std::make_shared<const Filter>(std::move(filter)));
  return SeccompFiltersPtr(std::move(filters));
}

std::uint32_t SeccompFilters::evaluate(const seccomp_data& call) const {
  std::uint32_t result = SECCOMP_RET_ALLOW;
  for (auto filter = filters_.rbegin(); filter != filters_.rend(); ++filter) {
    const std::uint32_t next = (*filter)->program.run(call);
    if (rank(next) < rank(result)) result = next;
  }
  return result;
}

bool SeccompFilters::allows_native_calls() const {
  return !strict_ && allowed_[SYS_futex] && allowed_[SYS_futex_waitv] && allowed_[SYS_arch_prctl];
}

bool SeccompFilters::extends(const SeccompFilters* other) const {
  if (other == nullptr) return true;
  if (other->strict_ || other->filters_.size() > filters_.size()) return false;
  return std::equal(other->filters_.begin(), other->filters_.end(), filters_.begin());
}

}  // namespace runsc
