#include "sandbox/own_limits.h"

#include <sys/resource.h>

#include <algorithm>

namespace runsc {
namespace {

constexpr std::uint64_t kMostDescriptors = 1 << 20;  // fs.nr_open inside

ContainerRlimit own_limit(int resource) {
  rlimit own{RLIM_INFINITY, RLIM_INFINITY};
  (void)::getrlimit(static_cast<__rlimit_resource_t>(resource), &own);
  const std::uint64_t most = resource == RLIMIT_NOFILE ? kMostDescriptors : RLIM_INFINITY;
  return {resource, std::min<std::uint64_t>(own.rlim_cur, most), std::min<std::uint64_t>(own.rlim_max, most)};
}

}  // namespace

std::vector<ContainerRlimit> with_own_limits(std::vector<ContainerRlimit> named) {
  for (int resource = 0; resource < RLIM_NLIMITS; ++resource) {
    const bool is_named = std::any_of(named.begin(), named.end(),
                                      [&](const ContainerRlimit& limit) { return limit.resource == resource; });
    if (!is_named) named.push_back(own_limit(resource));
  }
  return named;
}

}  // namespace runsc
