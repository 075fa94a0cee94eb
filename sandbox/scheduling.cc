#include "sandbox/scheduling.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

#include "runsc/common/user_error.h"

namespace runsc {
namespace {

constexpr int kWhoProcess = 1;  // IOPRIO_WHO_PROCESS

// struct sched_attr (sched_setattr(2)), which Debian 12's C library does not declare.
struct SchedulingAttributes {
  std::uint32_t size = 48;  // SCHED_ATTR_SIZE_VER0
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};

int own_nice() {
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  return errno == 0 ? nice : 0;
}

ProcessScheduling own_scheduling() {
  ProcessScheduling out;
  const int policy = ::sched_getscheduler(0);
  sched_param parameters{};
  if (policy >= 0 && ::sched_getparam(0, &parameters) == 0) {
    out.policy = policy & ~SCHED_RESET_ON_FORK;
    out.reset_on_fork = (policy & SCHED_RESET_ON_FORK) != 0;
    out.priority = parameters.sched_priority;
  }
  out.nice = own_nice();
  const long io = ::syscall(SYS_ioprio_get, kWhoProcess, 0);
  // A process that has set none has one that follows from its nice value.
  if (io > 0 && (io >> 13) != 0) out.io_priority = static_cast<int>(io);
  return is_valid(out) ? out : ProcessScheduling{.policy = 0, .priority = 0, .nice = out.nice};
}

}  // namespace

ProcessScheduling scheduling_of(const oci::Process& process) {
  ProcessScheduling out = own_scheduling();
  if (process.scheduler) {
    out.policy = process.scheduler->policy;
    out.priority = process.scheduler->priority;
    out.nice = process.scheduler->nice;
    out.reset_on_fork = (process.scheduler->flags & 1) != 0;
  }
  if (process.io_priority) out.io_priority = *process.io_priority;
  return out;
}

std::optional<int> own_oom_score_adj() {
  std::ifstream file("/proc/self/oom_score_adj");
  int score = 0;
  return file >> score ? std::optional(score) : std::nullopt;
}

void set_host_scheduling(const oci::Process& process, const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) {
    if (process.scheduler) {
      SchedulingAttributes attributes;
      attributes.policy = static_cast<std::uint32_t>(process.scheduler->policy);
      attributes.nice = process.scheduler->nice;
      attributes.priority = static_cast<std::uint32_t>(process.scheduler->priority);
      // Not the flag for the end of it at a fork: all of a sandbox's processes are forked.
      attributes.flags = process.scheduler->flags & ~std::uint64_t{1};
      if (::syscall(SYS_sched_setattr, pid, &attributes, 0) != 0)
        throw_system_error("process.scheduler: set scheduler");
    }
    if (process.io_priority && ::syscall(SYS_ioprio_set, kWhoProcess, pid, *process.io_priority) != 0) {
      throw_system_error("process.ioPriority: set I/O priority");
    }
  }
}

// It may be lower than theirs, which needs a right.
void hand_on_nice(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), own_nice());
}

}  // namespace runsc
