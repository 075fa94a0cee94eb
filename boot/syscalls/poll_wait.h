// What poll(2) and select(2) have in common: waiting for events on several files.
#pragma once

#include <vector>

#include "boot/kernel/current_task.h"

namespace runsc {

struct PolledFile {
  FilePtr file;            // null: never ready
  EventMask interest = 0;  // poll(2) always has POLLERR and POLLHUP in it, select(2) does not
  EventMask ready = 0;     // result: what of interest is there
};

// Waits until one of the files is ready or the deadline has passed, and says how many are. kRestartSys: interrupted.
Result<int> poll_files(CurrentTask& task, std::vector<PolledFile>& files, const OptionalDeadline& deadline);

// A signal mask given to ppoll(2), pselect6(2), epoll_pwait(2): set for the duration of the call. Does nothing when
// `mask` is null. EINVAL: size is not that of a signal set.
Result<void> apply_signal_mask(CurrentTask& task, UserIn<SignalSet> mask, std::size_t size);

// The deadline of a relative timespec, read from user memory; none when `timeout` is null. EINVAL: not a valid time.
Result<OptionalDeadline> read_timeout(CurrentTask& task, UserIn<timespec> timeout);

// What is left until the deadline, not negative.
timespec remaining_time(const Deadline& deadline);

}  // namespace runsc
