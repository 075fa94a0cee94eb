// pipe(2).
#include "boot/fs/pipe/pipe.h"

#include "boot/kernel/kernel.h"
#include "boot/syscalls/descriptor_pair.h"
#include "boot/syscalls/handlers.h"

namespace runsc {

Result<long> sys_pipe2(CurrentTask& task, UserOut<int> where, OpenFlags flags) {
  if ((flags.bits & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) != 0) return Errno(EINVAL);
  const Credentials& creator = *task.credentials();
  auto ends = make_pipe(flags.bits, {task.kernel().next_inode(), creator.fs_uid, creator.fs_gid});
  TRY(install_pair(task, std::move(ends), flags.close_on_exec(), where));
  return 0;
}

Result<long> sys_pipe(CurrentTask& task, UserOut<int> where) { return sys_pipe2(task, where, OpenFlags{0}); }

}  // namespace runsc
