// Ids and groupings that are the same for all processes of a sandbox.
#include "boot/fs/proc/process_texts.h"

namespace runsc {

// Without audit nobody has logged in: (uid_t) -1.
Result<std::string> show_loginuid(const ProcessView&) { return std::string("4294967295"); }
Result<std::string> show_sessionid(const ProcessView&) { return std::string("4294967295"); }

Result<std::string> show_cgroup(const ProcessView&) { return std::string("0::/\n"); }
Result<std::string> show_cpuset(const ProcessView&) { return std::string("/\n"); }

}  // namespace runsc
