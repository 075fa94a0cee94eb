// Clock ids of the application (clock_gettime(2)).
#pragma once

#include <time.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/posix_timers.h"

namespace runsc {

// Whether the id names one of the host's clocks that applications see as they are.
bool is_host_clock(clockid_t id);

// The clock that an id names: one of the host's, the CPU time of the caller, or of a thread of its process or another
// process (clock_getcpuclockid(3), pthread_getcpuclockid(3)). EINVAL: there is none.
Result<TimerClock> find_clock(CurrentTask& task, clockid_t id);

// Nanoseconds.
Result<std::int64_t> clock_now(CurrentTask& task, const TimerClock& clock);

}  // namespace runsc
