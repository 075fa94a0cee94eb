// What a task's own seccomp filters do to its calls, and how the filters reach its host thread.
#pragma once

#include <optional>

#include "boot/base/result.h"
#include "boot/kernel/seccomp_filters.h"

namespace runsc {

class CurrentTask;
class Task;
class TaskTree;

// Asks the filters about the present system call. nullopt: it is allowed. Else it must not be served and this is its
// result, unless the task is ending now.
std::optional<Result<long>> check_seccomp(CurrentTask& task);

// Puts the task under `filters`; its own thread or, for SECCOMP_FILTER_FLAG_TSYNC, another of its group. Its host
// thread follows before it runs application code again (CurrentTask::continue_thread()).
void set_seccomp(TaskTree& tree, Task& task, SeccompFiltersPtr filters);

}  // namespace runsc
