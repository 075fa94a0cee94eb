#include "boot/fs/host/host_terminal.h"

#include <asm/termbits.h>
#include <sys/ioctl.h>

#include "boot/kernel/current_task.h"
#include "boot/kernel/kernel.h"
#include "boot/kernel/process_group.h"

namespace runsc {
namespace {

// The kernel's structures; glibc's differ.
using KernelTermios = ::termios;
using KernelTermios2 = ::termios2;
static_assert(sizeof(KernelTermios) == 36 && sizeof(KernelTermios2) == 44);

Result<std::int64_t> host_ioctl(int fd, std::uint32_t command, auto argument) {
  const int status = ::ioctl(fd, command, argument);
  if (status < 0) return last_errno();
  return status;
}

template <typename T>
Result<std::int64_t> get(CurrentTask& task, int fd, std::uint32_t command, std::uint64_t argument) {
  T value{};
  const auto status = TRY(host_ioctl(fd, command, &value));
  TRY(task.write(UserOut<T>{{argument}}, value));
  return status;
}

template <typename T>
Result<std::int64_t> set(CurrentTask& task, int fd, std::uint32_t command, std::uint64_t argument) {
  T value = TRY(task.read(UserIn<T>{{argument}}));
  return host_ioctl(fd, command, &value);
}

}  // namespace

Result<std::int64_t> HostTerminal::job_control(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  const bool admin = task.capable(CAP_SYS_ADMIN);
  Pid wanted{};
  if (command == TIOCSPGRP) wanted = TRY(task.read(UserIn<Pid>{{argument}}));
  Pid answer{};
  {
    auto tree = task.kernel().tasks().lock();
    ThreadGroup& caller = task.group();
    switch (command) {
      case TIOCSCTTY:
        TRY(terminal_->acquire(*tree, caller, argument == 1 && admin));
        return 0;
      case TIOCNOTTY:
        TRY(terminal_->release(*tree, caller));
        return 0;
      case TIOCSPGRP:
        TRY(terminal_->set_foreground(*tree, caller, wanted));
        return 0;
      case TIOCGSID:
        answer = TRY(terminal_->session_id(*tree, caller));
        break;
      default:
        if (const auto group = TRY(terminal_->foreground(*tree, caller))) answer = group->id;
    }
  }
  TRY(task.write(UserOut<Pid>{{argument}}, answer));
  return 0;
}

Result<std::int64_t> HostTerminal::ioctl(CurrentTask& task, std::uint32_t command, std::uint64_t argument) {
  const int fd = fd_.get();
  switch (command) {
    case TCGETS:
      return get<KernelTermios>(task, fd, command, argument);
    case TCSETS:
    case TCSETSW:
    case TCSETSF:
      return set<KernelTermios>(task, fd, command, argument);
    case TCGETS2:
      return get<KernelTermios2>(task, fd, command, argument);
    case TCSETS2:
    case TCSETSW2:
    case TCSETSF2:
      return set<KernelTermios2>(task, fd, command, argument);
    case TIOCGWINSZ:
      return get<winsize>(task, fd, command, argument);
    case TIOCSWINSZ:
      return set<winsize>(task, fd, command, argument);
    case TIOCOUTQ:
      return get<int>(task, fd, command, argument);
    case TCSBRK:
    case TCSBRKP:
    case TCXONC:
    case TCFLSH:
      return host_ioctl(fd, command, static_cast<int>(argument));
    case TIOCSCTTY:
    case TIOCNOTTY:
    case TIOCGPGRP:
    case TIOCSPGRP:
    case TIOCGSID:
      return job_control(task, command, argument);
    default:
      return HostStream::ioctl(task, command, argument);
  }
}

}  // namespace runsc
