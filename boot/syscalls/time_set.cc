// Setting clocks: clock_settime(2), clock_adjtime(2), adjtimex(2). The host's clock is not the application's to set;
// what may be asked without privilege is answered as by a kernel whose clock nobody disciplines.
#include <sys/timex.h>

#include "boot/syscalls/handlers.h"
#include "boot/syscalls/time_clocks.h"

namespace runsc {
namespace {

// Reads the request and writes the state of the clock. EPERM: the request would change something.
Result<long> adjust(CurrentTask& task, UserInOut<struct timex> address) {
  const struct timex request = TRY(task.read(address.in()));
  constexpr unsigned kReadOffset = 0xa001;  // ADJ_OFFSET_SS_READ
  if (request.modes != 0 && request.modes != kReadOffset) return Errno(EPERM);
  constexpr long kTickMicroseconds = 10'000, kUnknownError = 16'000'000, kTolerance = 500L << 16;
  const timespec now = to_timespec(now_ns(CLOCK_REALTIME));
  struct timex state {};
  state.modes = request.modes;
  state.status = STA_UNSYNC;
  state.maxerror = state.esterror = kUnknownError;
  state.constant = 2;
  state.precision = 1;
  state.tolerance = kTolerance;
  state.tick = kTickMicroseconds;
  state.time = {now.tv_sec, now.tv_nsec / 1000};
  TRY(task.write(address.out(), state));
  return TIME_ERROR;
}

}  // namespace

Result<long> sys_clock_settime(CurrentTask& task, int id, UserIn<struct timespec> time) {
  const TimerClock clock = TRY(find_clock(task, id));
  if (clock.id != CLOCK_REALTIME && !clock.is_cpu_clock()) return Errno(EINVAL);
  const timespec wanted = TRY(task.read(time));
  if (clock.id == CLOCK_REALTIME && !valid_timespec(wanted)) return Errno(EINVAL);
  return Errno(EPERM);
}

Result<long> sys_clock_adjtime(CurrentTask& task, int id, UserInOut<struct timex> request) {
  const TimerClock clock = TRY(find_clock(task, id));
  if (clock.id != CLOCK_REALTIME) return Errno(EOPNOTSUPP);
  return adjust(task, request);
}

Result<long> sys_adjtimex(CurrentTask& task, UserInOut<struct timex> request) { return adjust(task, request); }

}  // namespace runsc
