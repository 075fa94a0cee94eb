// A process that the front end wants in a container, the first one or one of exec: `process` of the OCI configuration,
// validated and resolved, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace runsc {

// Capability sets as bit masks in the layout of capabilities(7): bit n is capability number n. Bits above the last
// capability that Linux 6.6 knows (CAP_CHECKPOINT_RESTORE, 40) are never set.
struct ContainerCapabilities {
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t ambient = 0;
  friend bool operator==(const ContainerCapabilities&, const ContainerCapabilities&) = default;
};

struct ContainerRlimit {
  int resource = 0;        // RLIMIT_*
  std::uint64_t soft = 0;  // RLIM_INFINITY is all ones
  std::uint64_t hard = 0;
  friend bool operator==(const ContainerRlimit&, const ContainerRlimit&) = default;
};

struct ConsoleSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
  friend bool operator==(const ConsoleSize&, const ConsoleSize&) = default;
};

struct ProcessConfig {
  std::vector<std::string> args;  // never empty
  std::vector<std::string> env;   // "NAME=value"
  std::string cwd;                // absolute
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> additional_gids;
  std::optional<std::uint32_t> umask;  // absent: 0022
  ContainerCapabilities capabilities;
  std::vector<ContainerRlimit> rlimits;  // each resource at most once; the others keep the kernel's defaults
  bool no_new_privileges = false;
  std::optional<int> oom_score_adj;
  // Its standard input, output and error are one host terminal (the replica end of a pseudoterminal) three times. The
  // boot process makes it raw and runs its own line discipline in front of it: the process's terminal is a /dev/pts
  // entry of the container, and controls it. That of a first process is /dev/console too.
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  friend bool operator==(const ProcessConfig&, const ProcessConfig&) = default;
};

}  // namespace runsc
