// The record locks of fcntl(2).
#pragma once

#include <fcntl.h>

#include "boot/kernel/current_task.h"

namespace runsc {

Result<long> get_record_lock(CurrentTask& task, const FilePtr& file, bool ofd, UserInOut<struct flock> lock);
// `wait`: until the lock can be had or a signal comes. EDEADLK.
Result<long> set_record_lock(CurrentTask& task, Fd fd, const FilePtr& file, bool ofd, bool wait,
                             UserIn<struct flock> lock);

}  // namespace runsc
