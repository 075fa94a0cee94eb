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

// sched(7), setpriority(2) and ioprio_set(2), in the numbers of those calls. The host's scheduler does not see it: it
// is what the process is told.
struct ProcessScheduling {
  int policy = 0;    // SCHED_OTHER
  int priority = 0;  // of the real-time policies: 1..99
  int nice = 0;      // -20..19
  bool reset_on_fork = false;
  int io_priority = 0;  // class << 13 | level; 0: none set
  friend bool operator==(const ProcessScheduling&, const ProcessScheduling&) = default;
};

// SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH and SCHED_IDLE.
constexpr bool is_valid(const ProcessScheduling& s) {
  const bool real_time = s.policy == 1 || s.policy == 2;
  const bool known = real_time || s.policy == 0 || s.policy == 3 || s.policy == 5;
  const bool priority = real_time ? s.priority >= 1 && s.priority <= 99 : s.priority == 0;
  const int io_class = s.io_priority >> 13, io_level = s.io_priority & 0x1fff;
  return known && priority && s.nice >= -20 && s.nice <= 19 && io_class >= 0 && io_class <= 3 && io_level < 8;
}

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
  ProcessScheduling scheduling;
  // Its standard input, output and error are one host terminal (the replica end of a pseudoterminal) three times. The
  // boot process makes it raw and runs its own line discipline in front of it: the process's terminal is a /dev/pts
  // entry of the container, and controls it. That of a first process is /dev/console too.
  bool terminal = false;
  std::optional<ConsoleSize> console_size;
  friend bool operator==(const ProcessConfig&, const ProcessConfig&) = default;
};

}  // namespace runsc
