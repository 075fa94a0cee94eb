#include "boot/base/seccomp_program.h"

#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace runsc {

Result<SeccompProgram> replace_constant(std::span<const sock_filter> program, std::uint32_t placeholder,
                                        std::uint32_t value) {
  SeccompProgram replaced(program.begin(), program.end());
  bool found = false;
  for (sock_filter& instruction : replaced) {
    if (instruction.k != placeholder) continue;
    if (instruction.code != (BPF_JMP | BPF_JEQ | BPF_K)) return Errno(EINVAL);
    instruction.k = value;
    found = true;
  }
  if (!found) return Errno(EINVAL);
  return replaced;
}

Result<void> install_program(std::span<const sock_filter> program) {
  if (program.empty() || program.size() > BPF_MAXINSNS) return Errno(EINVAL);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return Errno(errno);
  // The host only reads it.
  const sock_fprog loaded{static_cast<unsigned short>(program.size()), const_cast<sock_filter*>(program.data())};
  // Without TSYNC_ESRCH, a thread that cannot be confined would be told by a positive result.
  constexpr unsigned kFlags = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, kFlags, &loaded) != 0) return Errno(errno);
  return {};
}

}  // namespace runsc
