// --strace: system calls as text in the log, decoded by the one table.
#pragma once

#include "boot/base/result.h"
#include "boot/platform/platform.h"

namespace runsc {

class CurrentTask;

// Logs "[tid] name(arguments" before, and "= result" after a call. On the task's own thread.
void trace_syscall_entry(CurrentTask& task, const Event& event);
void trace_syscall_exit(CurrentTask& task, const Event& event, const Result<long>& result);

}  // namespace runsc
