#include "gofer/filter/filter.h"

#include <cerrno>

namespace runsc::gofer {

Result<SeccompProgram> gofer_program(int proc_self_fd) {
  if (proc_self_fd < 0) return Errno(EBADF);
  return replace_constant(kGoferProgram, kProcSelfFdPlaceholder, static_cast<std::uint32_t>(proc_self_fd));
}

Result<void> install_gofer_filter(int proc_self_fd) {
  const Result<SeccompProgram> program = gofer_program(proc_self_fd);
  if (!program.ok()) return program.error();
  return install_program(*program);
}

}  // namespace runsc::gofer
