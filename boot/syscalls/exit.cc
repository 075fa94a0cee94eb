// exit(2), exit_group(2).
#include "boot/kernel/exit.h"

#include "boot/kernel/current_task.h"
#include "boot/kernel/ptrace.h"
#include "boot/syscalls/handlers.h"

namespace runsc {

Result<long> sys_exit(CurrentTask& task, int code) {
  task.exit_task(exited_status(code));
  return 0;
}

Result<long> sys_exit_group(CurrentTask& task, int code) {
  report_exit(task, exited_status(code));
  task.exit_group(exited_status(code));
  return 0;
}

}  // namespace runsc
