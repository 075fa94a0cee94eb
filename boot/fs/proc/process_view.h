// What the functions that write the files of one process get.
#pragma once

#include <string>

#include "boot/fs/proc/proc_file_system.h"
#include "boot/fs/proc/process_ref.h"
#include "boot/kernel/current_task.h"

namespace runsc {

struct ProcessView {
  ProcFileSystem& file_system;
  TaskPtr task;        // a thread, or the one that leads the process; perhaps a zombie
  bool whole_process;  // /proc/<pid>, not /proc/<pid>/task/<tid>

  ThreadGroup& group() const { return *task->group(); }
  const PidNamespace& viewer() const { return *file_system.pid_namespace(); }
  Kernel& kernel() const { return file_system.kernel(); }
};

// ESRCH.
Result<ProcessView> view_of(ProcFileSystem& file_system, const ProcessRef& ref);

// ptrace(2), "Ptrace access mode checking", PTRACE_MODE_READ_FSCREDS: EACCES. Tasks with the very same credentials
// object are threads of one process, which may always look.
Result<void> may_look(const Credentials& reader, const Task& target);
// The same, by a task: its own process is always open to it.
Result<void> may_look(CurrentTask& reader, const Task& target);

}  // namespace runsc
