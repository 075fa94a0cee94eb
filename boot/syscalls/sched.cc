// sched(7): policies, parameters, affinity, getcpu(2). Policies are kept and shown, the host
// schedules; affinity holds on the host.
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <span>

#include "boot/kernel/kernel.h"
#include "boot/kernel/processors.h"
#include "boot/syscalls/handlers.h"
#include "boot/syscalls/sched_targets.h"

namespace runsc {
namespace {

constexpr int kDeadlinePolicy = 6;  // SCHED_DEADLINE
constexpr int kHighestPriority = 99;

// struct sched_attr (sched_setattr(2)).
struct SchedulingAttributes {
  std::uint32_t size = 0;
  std::uint32_t policy = 0;
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
  std::uint32_t utilisation_min = 0, utilisation_max = 0;
};
static_assert(sizeof(SchedulingAttributes) == 56);
constexpr std::uint32_t kFirstAttributesSize = 48;
constexpr std::uint64_t kAttributeResetOnFork = 1;  // SCHED_FLAG_RESET_ON_FORK

struct Scheduling {
  int policy = SCHED_OTHER;
  int priority = 0;
  bool reset_on_fork = false;
};

bool is_real_time_policy(int policy) { return policy == SCHED_FIFO || policy == SCHED_RR; }

bool is_known_policy(int policy) {
  return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE || is_real_time_policy(policy);
}

Result<void> check_scheduling(const Scheduling& wanted) {
  if (!is_known_policy(wanted.policy)) return Errno(EINVAL);
  const bool real_time = is_real_time_policy(wanted.policy);
  if (wanted.priority < 0 || wanted.priority > kHighestPriority || real_time != (wanted.priority != 0))
    return Errno(EINVAL);
  return {};
}

// sched(7), "Privileges and resource limits".
Result<void> check_privilege(CurrentTask& task, Task& target, const Scheduling& wanted) {
  if (task.capable(CAP_SYS_NICE)) return {};
  const int old_policy = target.scheduling_policy.load() & ~SCHED_RESET_ON_FORK;
  if (is_real_time_policy(wanted.policy)) {
    const std::uint64_t limit = target.group()->limits().soft(RLIMIT_RTPRIO);
    const int old_priority = target.scheduling_priority.load();
    if (wanted.policy != old_policy && limit == 0) return Errno(EPERM);
    if (wanted.priority > old_priority && static_cast<std::uint64_t>(wanted.priority) > limit) return Errno(EPERM);
  }
  if (old_policy == SCHED_IDLE && wanted.policy != SCHED_IDLE && !may_be_nice(task, target, target.nice.load()))
    return Errno(EPERM);
  if (!may_schedule(task, target)) return Errno(EPERM);
  if ((target.scheduling_policy.load() & SCHED_RESET_ON_FORK) != 0 && !wanted.reset_on_fork) return Errno(EPERM);
  return {};
}

Result<void> set_scheduling(CurrentTask& task, Task& target, const Scheduling& wanted) {
  TRY(check_scheduling(wanted));
  TRY(check_privilege(task, target, wanted));
  target.scheduling_policy.store(wanted.policy | (wanted.reset_on_fork ? SCHED_RESET_ON_FORK : 0));
  target.scheduling_priority.store(wanted.priority);
  return {};
}

Result<int> read_priority(CurrentTask& task, Pid pid, UserIn<struct sched_param> address) {
  if (!address || raw(pid) < 0) return Errno(EINVAL);
  return TRY(task.read(UserIn<int>{{address.value}}));
}

// The caller's structure, of a size that it names itself: smaller is older, larger must be zeros.
Result<SchedulingAttributes> read_attributes(CurrentTask& task, UserIn<std::byte> address) {
  std::uint32_t size = TRY(task.read(UserIn<std::uint32_t>{{address.value}}));
  if (size == 0) size = kFirstAttributesSize;
  const bool odd = size < kFirstAttributesSize || size > kPageSize;
  const std::vector<std::byte> bytes = odd ? std::vector<std::byte>() : TRY(task.read_array(address, size));
  SchedulingAttributes attributes;
  const std::size_t known = std::min(bytes.size(), sizeof attributes);
  const bool unknown = std::any_of(bytes.begin() + static_cast<std::ptrdiff_t>(known), bytes.end(),
                                   [](std::byte b) { return b != std::byte{0}; });
  if (odd || unknown) {
    (void)task.write(UserOut<std::uint32_t>{{address.value}}, static_cast<std::uint32_t>(sizeof attributes));
    return Errno(E2BIG);
  }
  std::memcpy(&attributes, bytes.data(), known);
  return attributes;
}

// SCHED_DEADLINE reserves processor time, which the host alone could grant: it has none left.
Errno refuse_deadline(CurrentTask& task, const SchedulingAttributes& wanted) {
  constexpr std::uint64_t kLeastRuntime = 1024, kTooMuch = std::uint64_t{1} << 63;
  const std::uint64_t period = wanted.period != 0 ? wanted.period : wanted.deadline;
  const bool possible = wanted.deadline != 0 && wanted.runtime >= kLeastRuntime && wanted.deadline < kTooMuch &&
                        period < kTooMuch && wanted.runtime <= wanted.deadline && wanted.deadline <= period;
  if (!possible || wanted.priority != 0) return Errno(EINVAL);
  return Errno(task.capable(CAP_SYS_NICE) ? EBUSY : EPERM);
}

}  // namespace

Result<long> sys_sched_yield(CurrentTask&) {
  ::sched_yield();
  return 0;
}

Result<long> sys_sched_setscheduler(CurrentTask& task, Pid pid, int policy, UserIn<struct sched_param> param) {
  if (policy < 0) return Errno(EINVAL);
  const int priority = TRY(read_priority(task, pid, param));
  const TaskPtr target = TRY(sched_target(task, pid));
  TRY(set_scheduling(task, *target, {policy & ~SCHED_RESET_ON_FORK, priority, (policy & SCHED_RESET_ON_FORK) != 0}));
  return 0;
}

Result<long> sys_sched_setparam(CurrentTask& task, Pid pid, UserIn<struct sched_param> param) {
  const int priority = TRY(read_priority(task, pid, param));
  const TaskPtr target = TRY(sched_target(task, pid));
  const int policy = target->scheduling_policy.load();
  TRY(set_scheduling(task, *target, {policy & ~SCHED_RESET_ON_FORK, priority, (policy & SCHED_RESET_ON_FORK) != 0}));
  return 0;
}

Result<long> sys_sched_getscheduler(CurrentTask& task, Pid pid) {
  return TRY(sched_target(task, pid))->scheduling_policy.load();
}

Result<long> sys_sched_getparam(CurrentTask& task, Pid pid, UserOut<struct sched_param> param) {
  if (!param) return Errno(EINVAL);
  const TaskPtr target = TRY(sched_target(task, pid));
  TRY(task.write(UserOut<int>{{param.value}}, target->scheduling_priority.load()));
  return 0;
}

Result<long> sys_sched_get_priority_max(CurrentTask&, int policy) {
  if (is_real_time_policy(policy)) return kHighestPriority;
  if (is_known_policy(policy) || policy == kDeadlinePolicy) return 0;
  return Errno(EINVAL);
}

Result<long> sys_sched_get_priority_min(CurrentTask&, int policy) {
  if (is_real_time_policy(policy)) return 1;
  if (is_known_policy(policy) || policy == kDeadlinePolicy) return 0;
  return Errno(EINVAL);
}

Result<long> sys_sched_rr_get_interval(CurrentTask& task, Pid pid, UserOut<struct timespec> out) {
  const TaskPtr target = TRY(sched_target(task, pid));
  constexpr std::int64_t kRoundRobin = 100'000'000, kFairSlice = 4'000'000;
  const int policy = target->scheduling_policy.load() & ~SCHED_RESET_ON_FORK;
  const std::int64_t slice = policy == SCHED_RR ? kRoundRobin : policy == SCHED_FIFO ? 0 : kFairSlice;
  TRY(task.write(out, to_timespec(slice)));
  return 0;
}

Result<long> sys_sched_setattr(CurrentTask& task, Pid pid, UserIn<std::byte> address, unsigned flags) {
  if (!address || raw(pid) < 0 || flags != 0) return Errno(EINVAL);
  const SchedulingAttributes attributes = TRY(read_attributes(task, address));
  if ((attributes.flags & ~kAttributeResetOnFork) != 0) return Errno(EINVAL);
  const TaskPtr target = TRY(sched_target(task, pid));
  if (attributes.policy > kDeadlinePolicy) return Errno(EINVAL);
  if (attributes.policy == kDeadlinePolicy) return refuse_deadline(task, attributes);
  const Scheduling wanted{static_cast<int>(attributes.policy), static_cast<int>(attributes.priority),
                          (attributes.flags & kAttributeResetOnFork) != 0};
  const int nice = std::clamp(attributes.nice, -20, 19);
  TRY(check_scheduling(wanted));
  const bool fair = !is_real_time_policy(wanted.policy);
  if (fair && nice < target->nice.load() && !may_be_nice(task, *target, nice)) return Errno(EPERM);
  TRY(set_scheduling(task, *target, wanted));
  if (fair) target->nice.store(nice);
  return 0;
}

Result<long> sys_sched_getattr(CurrentTask& task, Pid pid, UserOut<std::byte> address, unsigned size, unsigned flags) {
  if (!address || raw(pid) < 0 || size > kPageSize || size < kFirstAttributesSize || flags != 0) return Errno(EINVAL);
  const TaskPtr target = TRY(sched_target(task, pid));
  const int policy = target->scheduling_policy.load();
  SchedulingAttributes attributes;
  attributes.size = std::min<std::uint32_t>(size, sizeof attributes);
  attributes.policy = static_cast<std::uint32_t>(policy & ~SCHED_RESET_ON_FORK);
  attributes.flags = (policy & SCHED_RESET_ON_FORK) != 0 ? kAttributeResetOnFork : 0;
  attributes.priority = static_cast<std::uint32_t>(target->scheduling_priority.load());
  if (attributes.priority == 0) attributes.nice = target->nice.load();
  attributes.utilisation_max = 1024;
  const auto bytes = std::as_bytes(std::span(&attributes, 1)).first(attributes.size);
  TRY(task.write_array(address, bytes));
  return 0;
}

// Unlike the other calls, these two take a negative number for one that no task has.
static Result<TaskPtr> affinity_target(CurrentTask& task, Pid pid) {
  if (raw(pid) < 0) return Errno(ESRCH);
  return sched_target(task, pid);
}

Result<long> sys_sched_setaffinity(CurrentTask& task, Pid pid, unsigned size, UserIn<std::byte> mask_address) {
  std::uint64_t mask = 0;
  const std::vector<std::byte> bytes = TRY(task.read_array(mask_address, std::min<std::size_t>(size, sizeof mask)));
  // Not memcpy: of a mask of no bytes there is no address either.
  std::ranges::copy(bytes, std::as_writable_bytes(std::span(&mask, 1)).begin());
  const TaskPtr target = TRY(affinity_target(task, pid));
  if (!may_schedule(task, *target)) return Errno(EPERM);
  mask &= allowed_processors();
  if (mask == 0) return Errno(EINVAL);
  target->affinity.store(mask);
  auto tree = task.kernel().tasks().lock();
  if (Context* context = target->context(*tree)) context->run_on(mask);
  return 0;
}

// Returns the size of the mask of all processors, not of the caller's buffer.
Result<long> sys_sched_getaffinity(CurrentTask& task, Pid pid, unsigned size, UserOut<std::byte> mask_address) {
  if (size < sizeof(std::uint64_t) || size % sizeof(std::uint64_t) != 0) return Errno(EINVAL);
  const TaskPtr target = TRY(affinity_target(task, pid));
  const std::uint64_t mask = effective_affinity(*target);
  TRY(task.write(UserOut<std::uint64_t>{{mask_address.value}}, mask));
  return sizeof mask;
}

// Where the kernel serves the task, which is where the host last ran it, as a rule: certain is only where it cannot
// run.
Result<long> sys_getcpu(CurrentTask& task, UserOut<unsigned> cpu, UserOut<unsigned> node, UserAddress) {
  unsigned cpu_number = 0, node_number = 0;
  if (::syscall(SYS_getcpu, &cpu_number, &node_number, nullptr) != 0) return last_errno();
  const std::uint64_t possible = effective_affinity(task.task());
  const bool is_possible = cpu_number < 64 && (possible >> cpu_number & 1) != 0;
  if (!is_possible && possible != 0) cpu_number = static_cast<unsigned>(std::countr_zero(possible));
  if (cpu) TRY(task.write(cpu, cpu_number));
  if (node) TRY(task.write(node, node_number));
  return 0;
}

}  // namespace runsc
