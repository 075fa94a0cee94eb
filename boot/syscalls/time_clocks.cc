#include "boot/syscalls/time_clocks.h"

#include "boot/kernel/kernel.h"

namespace runsc {
namespace {

// Negative ids: the inverted process or thread id, a bit for threads, and which CPU time
// (include/linux/posix-timers_types.h).
enum class CpuTimeKind { kProfile, kUser, kTotal };

struct CpuClockId {
  std::int32_t pid = 0;  // 0: the caller
  bool of_thread = false;
  CpuTimeKind kind = CpuTimeKind::kTotal;
};

Result<CpuClockId> decode(clockid_t id) {
  constexpr int kKindMask = 3, kThreadBit = 4;
  if (id == CLOCK_PROCESS_CPUTIME_ID) return CpuClockId{};
  if (id == CLOCK_THREAD_CPUTIME_ID) return CpuClockId{0, true, CpuTimeKind::kTotal};
  const int kind = id & kKindMask;
  // Kind 3 means a clock device's descriptor: there are none.
  if (id >= 0 || kind == kKindMask) return Errno(EINVAL);
  return CpuClockId{~(id >> 3), (id & kThreadBit) != 0, static_cast<CpuTimeKind>(kind)};
}

}  // namespace

bool is_host_clock(clockid_t id) {
  switch (id) {
    case CLOCK_REALTIME:
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
    case CLOCK_REALTIME_ALARM:
    case CLOCK_BOOTTIME_ALARM:
    case CLOCK_TAI:
      return true;
    default:
      return false;
  }
}

Result<TimerClock> find_clock(CurrentTask& task, clockid_t id) {
  TimerClock clock;
  clock.id = id;
  if (is_host_clock(id)) return clock;
  const CpuClockId cpu = TRY(decode(id));
  clock.id = cpu.of_thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_PROCESS_CPUTIME_ID;
  clock.user_time_only = cpu.kind == CpuTimeKind::kUser;
  Task* target = &task.task();
  auto tree = task.kernel().tasks().lock();
  if (cpu.pid != 0) target = task.task().pid_namespace()->find(*tree, Pid{cpu.pid});
  if (target == nullptr) return Errno(EINVAL);
  const bool own_process = target->group() == task.task().group();
  if (cpu.of_thread ? !own_process : target->group()->links(*tree).leader != target && target != &task.task())
    return Errno(EINVAL);
  clock.thread = target->weak_from_this();
  clock.process = target->group();
  return clock;
}

Result<std::int64_t> clock_now(CurrentTask& task, const TimerClock& clock) {
  if (!clock.is_cpu_clock()) return now_ns(clock.id);
  auto tree = task.kernel().tasks().lock();
  return read_clock(*tree, clock);
}

}  // namespace runsc
